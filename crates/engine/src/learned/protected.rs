//! Fields that must not decide how a person is treated: nothing is learned from them unless the
//! operator says so (Art. 9 GDPR, and what laws against discrimination name). Known by the words of
//! their name, of what stands beside them, and of what one may choose; in the languages of the
//! shops we know, without accents.

use model::forms::Field;

/// Stems of five letters and more, anywhere: `denomination`, `schwerbehindert`.
const ANYWHERE: &[&str] = &[
    "asylum",
    "atheis",
    "behinder",
    "belief",
    "biometr",
    "birth",
    "buddhis",
    "catholic",
    "christian",
    "church",
    "citizen",
    "citoyen",
    "ciudadan",
    "color",
    "colour",
    "confes",
    "criminal",
    "croyance",
    "disab",
    "discapa",
    "disease",
    "divorc",
    "einwander",
    "enfermedad",
    "estado civil",
    "etat civil",
    "ethni",
    "faith",
    "familienstand",
    "family status",
    "geboorte",
    "geburt",
    "geloof",
    "gender",
    "genetic",
    "geschlecht",
    "geslacht",
    "gesund",
    "gewerkschaft",
    "gezondheid",
    "glaube",
    "godsdienst",
    "handicap",
    "hautfarb",
    "health",
    "heirat",
    "herkunft",
    "illness",
    "immigra",
    "islam",
    "jewish",
    "konfession",
    "krank",
    "leeftijd",
    "maladie",
    "malattia",
    "marital",
    "married",
    "medic",
    "medizin",
    "migra",
    "muslim",
    "nacimiento",
    "naissance",
    "nascimento",
    "nascita",
    "nonbinary",
    "orientacion",
    "orientation",
    "orientierung",
    "partei",
    "party",
    "politi",
    "pregnan",
    "pronom",
    "pronoun",
    "protestant",
    "racial",
    "refugee",
    "religi",
    "salutation",
    "schwanger",
    "sexual",
    "sindaca",
    "sindicat",
    "staatsangeh",
    "staatsburger",
    "stato civile",
    "syndicat",
    "title",
    "union",
    "veteran",
    "vorstraf",
];
/// Stems at the beginning of a word: "sex" is in "sexe", not in "Essex"; "rasse" is not that of a
/// dog in "Hunderasse".
const BEGINNING: &[&str] = &[
    "agegroup",
    "agerange",
    "alters",
    "anrede",
    "born",
    "diet",
    "etni",
    "fluchtling",
    "genet",
    "hindu",
    "katholi",
    "lebensalter",
    "lgbt",
    "nacionali",
    "nationali",
    "nazionali",
    "rasse",
    "sex",
    "transgender",
    "widow",
];
/// Whole words: "age" is not in "page", "race" not in "trace".
const WHOLE: &[&str] = &[
    "age", "ages", "alder", "alter", "caste", "civilite", "dob", "edad", "enceinte", "eta",
    "female", "femme", "frau", "genere", "genero", "genre", "herr", "homme", "hombre", "idade",
    "madame", "male", "mannlich", "monsieur", "mrs", "mujer", "origine", "partido", "race",
    "races", "raza", "razza", "salud", "sante", "skin", "trans", "weiblich", "yourage",
];

/// Whether a text, a field's name or what stands beside it, speaks of what nothing is learned from
/// unasked.
pub fn is_protected(text: &str) -> bool {
    let words = words(text);
    let text = words.join(" ");
    ANYWHERE.iter().any(|stem| text.contains(stem))
        || words.iter().any(|word| {
            WHOLE.contains(&word.as_str()) || BEGINNING.iter().any(|stem| word.starts_with(stem))
        })
}

/// Whether a field of a form does, by its name, its label, or what one may choose.
pub(super) fn is_protected_field(field: &Field) -> bool {
    let said = [&field.key, &field.label, &field.help].into_iter();
    said.chain(&field.options).any(|text| is_protected(text))
}

/// Its words in small letters without accents: `ageGroup` and `age_group` are two.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_small = false;
    for letter in text.chars().filter(|c| !('\u{300}'..='\u{36f}').contains(c)) {
        let begins = was_small && letter.is_uppercase();
        was_small = letter.is_lowercase();
        let plain = crate::files::tables::plain(letter.encode_utf8(&mut [0; 4]));
        // Digits tell fields of one name apart: `age2`.
        let plain = plain.trim_matches(|c: char| c.is_ascii_digit());
        if (begins || plain.is_empty()) && words.last().is_some_and(|last| !last.is_empty()) {
            words.push(String::new());
        }
        if let Some(last) = words.last_mut() {
            last.push_str(plain);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use model::forms::FieldKind;

    use super::*;

    #[test]
    fn protected_fields_are_known_by_their_words_and_others_are_not() {
        for name in [
            "age",
            "Your age",
            "agegroup",
            "ageGroup",
            "age_group",
            "age2",
            "Âge",
            "birthday",
            "date_of_birth",
            "gender",
            "Religion",
            "health",
            "ethnicity",
            "Ethnie",
            "nationalité",
            "Nationalität",
            "Staatsangehörigkeit",
            "Rasse",
            "e\u{301}thnie",
            "sexual-orientation",
            "sexuality",
            "sexe",
            "Sexualität",
            "Sexo",
            "Género",
            "marital status",
            "Geschlecht",
            "Santé",
            "disability",
            "race",
        ] {
            assert!(is_protected(name), "{name}");
        }
        for name in [
            "page",
            "garden",
            "message",
            "company size",
            "Essex branch",
            "budget",
            "agency",
            "Hunderasse",
            "trace",
            "international",
            "q3",
            "Broadcaster",
        ] {
            assert!(!is_protected(name), "{name}");
        }
    }

    #[test]
    fn a_field_is_known_by_its_label_and_choices_too() {
        let field = |label: &str, options: &[&str]| Field {
            options: options.iter().map(|option| (*option).to_owned()).collect(),
            ..Field::new("q3", FieldKind::Select, label)
        };
        assert!(is_protected_field(&field("Your gender", &["a", "b"])));
        assert!(is_protected_field(&field("I am", &["Female", "Male", "Other"])));
        assert!(is_protected_field(&field("Ich bin", &["männlich", "weiblich"])));
        assert!(!is_protected_field(&field("Your garden", &["balcony", "meadow"])));
    }
}
