//! Which passwords are refused. Length decides; a short local list keeps out the worst of the
//! long ones. Nothing is asked of digits and signs, and no password grows old (NIST SP 800-63B).

use crate::refused::Refused;

/// Fewest characters: what ASVS 5.0 V6 asks of passwords without further rules.
pub const LENGTH_MIN: usize = 12;
/// Most characters: more than anyone types, little enough to hash.
pub const LENGTH_MAX: usize = 128;
/// Fewest different characters; `aaaaaaaaaaaa` and `abababababab` fall short.
const DIFFERENT_MIN: usize = 5;
/// What is left beside a word everybody would try must be at least this long.
const REST_MIN: usize = 4;

/// Passwords of twelve and more characters from the lists of those found most often, and the
/// words a stranger would try first here.
const WORST: &[&str] = &[
    "password",
    "passwort",
    "motdepasse",
    "contrasena",
    "qwertyuiop",
    "qwertyuiopasdfghjkl",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "1q2w3e4r5t6y",
    "1qaz2wsx3edc",
    "q1w2e3r4t5y6",
    "1234567890",
    "0123456789",
    "123456789",
    "0987654321",
    "987654321",
    "abcdefghijklmnopqrstuvwxyz",
    "abcdefghijkl",
    "abcdefgh",
    "iloveyou",
    "letmein",
    "welcome",
    "changeme",
    "administrator",
    "admin",
    "sunshine",
    "princess",
    "football",
    "baseball",
    "superman",
    "trustno1",
    "dragon",
    "monkey",
    "master",
    "shadow",
    "michael",
    "secret",
    "correcthorsebatterystaple",
    "correct horse battery staple",
    "unknown",
    "default",
    "tundish",
    "newsletter",
    "owner",
];

/// Whether the password may be used by someone of this address, on a site of these `words` (its
/// name, its domain).
///
/// # Errors
/// `password_short`, `password_long`, `password_weak`.
pub fn check(password: &str, address: &str, words: &[&str]) -> Result<(), Refused> {
    let length = password.chars().count();
    if length < LENGTH_MIN {
        return Err(refused(
            "password_short",
            format!("a password needs at least {LENGTH_MIN} characters; a sentence is fine"),
        ));
    }
    if length > LENGTH_MAX {
        return Err(refused(
            "password_long",
            format!("a password has at most {LENGTH_MAX} characters"),
        ));
    }
    if is_guessable(&password.to_lowercase(), address, words) {
        return Err(refused(
            "password_weak",
            "this password is among the first that would be tried; \
             a sentence only you would write is better"
                .to_owned(),
        ));
    }
    Ok(())
}

fn is_guessable(password: &str, address: &str, words: &[&str]) -> bool {
    let mut different: Vec<char> = password.chars().collect();
    different.sort_unstable();
    different.dedup();
    if different.len() < DIFFERENT_MIN {
        return true;
    }
    let address = address.to_lowercase();
    let local = address.split('@').next().unwrap_or_default().to_owned();
    let own = words.iter().map(|word| word.to_lowercase()).chain([address, local]);
    let mut rest = password.to_owned();
    let mut known: Vec<String> = WORST.iter().map(|word| (*word).to_owned()).chain(own).collect();
    // Longest first, so that a word inside another does not leave its end behind.
    known.sort_by_key(|word| std::cmp::Reverse(word.len()));
    for word in known.iter().filter(|word| word.len() >= REST_MIN) {
        rest = rest.replace(word.as_str(), "");
    }
    // Digits and signs at the ends are what everybody adds.
    let rest = rest.trim_matches(|c: char| !c.is_alphabetic());
    rest.chars().count() < REST_MIN && rest.len() < password.len()
}

fn refused(code: &'static str, message: String) -> Refused {
    Refused::new(code, message).at("password")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_would_be_tried_are_refused() {
        for password in [
            "password1234",
            "Password123!",
            "qwertyuiop12",
            "aaaaaaaaaaaa",
            "abababababab",
            "123456789012",
            "letmeinletmein",
            "ada@shop.example",
            "shop.example2026",
            "correct horse battery staple",
        ] {
            let code = check(password, "ada@shop.example", &["shop.example"]).unwrap_err().code;
            assert_eq!(code, "password_weak", "{password}");
        }
    }

    #[test]
    fn length_is_counted_in_characters() {
        assert_eq!(check("kurz", "a@b.example", &[]).unwrap_err().code, "password_short");
        assert_eq!(check(&"x".repeat(129), "a@b.example", &[]).unwrap_err().code, "password_long");
        assert!(check("größere Äpfel im Ökogarten", "a@b.example", &[]).is_ok());
    }

    #[test]
    fn a_sentence_and_a_random_word_are_taken() {
        for password in ["we water ferns on friday", "xk7-Qp2m-9dLw-vR4t", "tundish of my aunt Mia"]
        {
            assert!(check(password, "ada@shop.example", &["shop"]).is_ok(), "{password}");
        }
    }
}
