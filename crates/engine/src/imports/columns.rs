//! What each column of a file of contacts means: by the exact headers of the programs it may come
//! from, else by its name.

use std::collections::BTreeMap;

use model::Refused;
use model::contacts::Status;

use crate::files::tables::plain;

/// The code of the refusal that no column holds the address.
pub(super) const NO_ADDRESS: &str = "map_email";

/// What a column is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// The address.
    Email,
    /// Given name.
    FirstName,
    /// Family name.
    LastName,
    /// Both, in one cell.
    FullName,
    /// BCP 47 tag.
    Language,
    /// IANA name.
    Timezone,
    /// Its id in the other program.
    ExternalId,
    /// How it stood there.
    Status,
    /// Tags, separated by commas.
    Tags,
    /// Topics by slug, separated by commas.
    Topics,
    /// When it agreed.
    ConsentAt,
    /// Where it agreed.
    ConsentSource,
    /// What it agreed to.
    ConsentText,
    /// When it came.
    CreatedAt,
    /// A further field.
    Field(String),
    /// An IP address or a place: never taken.
    Dropped,
    /// Of no use here.
    Ignored,
}

impl Role {
    /// The word for pages and `--map`.
    pub fn word(&self) -> String {
        match self {
            Self::Email => "email".to_owned(),
            Self::FirstName => "first_name".to_owned(),
            Self::LastName => "last_name".to_owned(),
            Self::FullName => "name".to_owned(),
            Self::Language => "language".to_owned(),
            Self::Timezone => "timezone".to_owned(),
            Self::ExternalId => "external_id".to_owned(),
            Self::Status => "status".to_owned(),
            Self::Tags => "tags".to_owned(),
            Self::Topics => "topics".to_owned(),
            Self::ConsentAt => "consent_at".to_owned(),
            Self::ConsentSource => "consent_source".to_owned(),
            Self::ConsentText => "consent_text".to_owned(),
            Self::CreatedAt => "created_at".to_owned(),
            Self::Field(key) => format!("field.{key}"),
            Self::Dropped => "dropped".to_owned(),
            Self::Ignored => "-".to_owned(),
        }
    }

    /// The role of a word of `--map`.
    ///
    /// # Errors
    /// There is none.
    pub fn parse(word: &str) -> Result<Self, Refused> {
        if let Some(key) = word.strip_prefix("field.") {
            return Ok(Self::Field(key_of(key)));
        }
        let all = [
            Self::Email,
            Self::FirstName,
            Self::LastName,
            Self::FullName,
            Self::Language,
            Self::Timezone,
            Self::ExternalId,
            Self::Status,
            Self::Tags,
            Self::Topics,
            Self::ConsentAt,
            Self::ConsentSource,
            Self::ConsentText,
            Self::CreatedAt,
            Self::Ignored,
        ];
        all.into_iter().find(|role| role.word() == word).ok_or_else(|| {
            let message = format!(
                "\"{word}\" is nothing a column can be: use email, first_name, last_name, name, \
                 tags, status, field.KEY or -"
            );
            Refused::new("map_unknown", message).at("map")
        })
    }
}

/// Which program a file comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// Our own export.
    Own,
    /// Mailchimp: those who are subscribed.
    MailchimpSubscribed,
    /// Mailchimp: those who unsubscribed.
    MailchimpUnsubscribed,
    /// Mailchimp: those whose address was dead.
    MailchimpCleaned,
    /// Kit.
    Kit,
    /// By the names of its columns.
    Other,
}

impl Preset {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Own => "contacts",
            Self::MailchimpSubscribed => "mailchimp",
            Self::MailchimpUnsubscribed => "mailchimp (unsubscribed)",
            Self::MailchimpCleaned => "mailchimp (cleaned)",
            Self::Kit => "kit",
            Self::Other => "csv",
        }
    }

    /// Which it is, by its headers.
    pub fn of(headers: &[String]) -> Self {
        let names: Vec<String> = headers.iter().map(|header| plain(header)).collect();
        let has = |name: &str| names.iter().any(|known| known == name);
        if has("memberrating") && has("emailaddress") {
            return match () {
                () if has("unsubtime") => Self::MailchimpUnsubscribed,
                () if has("cleantime") => Self::MailchimpCleaned,
                () => Self::MailchimpSubscribed,
            };
        }
        if has("consentsource") && has("consenttext") && has("email") {
            return Self::Own;
        }
        let kit = ["email", "firstname", "tags", "createdat", "status"];
        let only = names.iter().all(|name| kit.contains(&name.as_str()));
        if only && has("email") && has("firstname") { Self::Kit } else { Self::Other }
    }

    /// How every row of the file stands, where its rows do not say.
    pub fn status(self) -> Status {
        match self {
            Self::MailchimpUnsubscribed => Status::Unsubscribed,
            Self::MailchimpCleaned => Status::Suppressed,
            _ => Status::Confirmed,
        }
    }
}

/// What each column is: by `map` where it says, else by its name.
///
/// # Errors
/// `map` names a column there is not; or no column holds the address.
pub fn roles(
    preset: Preset,
    headers: &[String],
    map: &BTreeMap<String, String>,
) -> Result<Vec<Role>, Refused> {
    for name in map.keys() {
        if !headers.iter().any(|header| plain(header) == plain(name)) {
            let message = format!("the file has no column \"{name}\"");
            return Err(Refused::new("map_column", message).at("map"));
        }
    }
    let mut roles = Vec::with_capacity(headers.len());
    for header in headers {
        let said = map.iter().find(|(name, _)| plain(name) == plain(header));
        let role = match (guess(preset, header), said) {
            // Where a person was is not taken, whatever the column is called.
            (Role::Dropped, Some((_, word))) if word != "-" && word != "dropped" => {
                let message = format!("\"{header}\" says where a person was: it is never taken");
                return Err(Refused::new("map_dropped", message).at("map"));
            }
            (Role::Dropped, _) => Role::Dropped,
            (_, Some((_, word))) => Role::parse(word)?,
            (guessed, None) => guessed,
        };
        let again = !matches!(role, Role::Field(_) | Role::Dropped | Role::Ignored)
            && roles.contains(&role);
        roles.push(if again { Role::Field(key_of(header)) } else { role });
    }
    if roles.contains(&Role::Email) {
        return Ok(roles);
    }
    let message = "no column holds the address: say which with its name, as in mail=email";
    Err(Refused::new(NO_ADDRESS, message).at("map"))
}

pub(super) fn guess(preset: Preset, header: &str) -> Role {
    let name = plain(header);
    if preset == Preset::Own
        && let Some(key) = header.trim().strip_prefix("field.")
    {
        return Role::Field(key_of(key));
    }
    let mailchimp = matches!(
        preset,
        Preset::MailchimpSubscribed | Preset::MailchimpUnsubscribed | Preset::MailchimpCleaned
    );
    match name.as_str() {
        "ip" | "ipaddress" | "optinip" | "confirmip" | "signupip" | "latitude" | "longitude"
        | "lat" | "lng" | "lon" | "geo" | "geolocation" | "coordinates" | "gmtoff" | "dstoff" => {
            Role::Dropped
        }
        "cc" | "region" if mailchimp => Role::Dropped,
        "memberrating" | "lastchanged" | "leid" | "unsubcampaigntitle" | "unsubcampaignid"
        | "unsubreason" | "unsubreasonother" | "cleancampaigntitle" | "cleancampaignid"
        | "unsubtime" | "cleantime"
            if mailchimp =>
        {
            Role::Ignored
        }
        "optintime" if mailchimp => Role::CreatedAt,
        "confirmtime" if mailchimp => Role::ConsentAt,
        "euid" | "externalid" => Role::ExternalId,
        "email" | "emailaddress" | "mail" | "courriel" | "emailadresse" | "adresseemail"
        | "correo" => Role::Email,
        "firstname" | "prenom" | "vorname" | "givenname" | "fname" => Role::FirstName,
        "lastname" | "nom" | "nachname" | "surname" | "familyname" | "lname" => Role::LastName,
        "name" | "fullname" => Role::FullName,
        "language" | "locale" | "langue" | "sprache" => Role::Language,
        "timezone" | "zeitzone" => Role::Timezone,
        "status" => Role::Status,
        "tags" | "labels" => Role::Tags,
        "topics" => Role::Topics,
        "consentat" => Role::ConsentAt,
        "consentsource" => Role::ConsentSource,
        "consenttext" => Role::ConsentText,
        "createdat" | "datecreated" | "dateregistered" | "signedupat" => Role::CreatedAt,
        _ => Role::Field(key_of(header)),
    }
}

/// A field's key from a header.
pub(super) fn key_of(header: &str) -> String {
    let key = model::forms::suggest_key(header).unwrap_or_default();
    let key: String = key.chars().take(40).collect();
    if key.is_empty() { "column".to_owned() } else { key }
}

/// How a row says it stands; nothing where it says nothing that is known.
pub fn status_of(word: &str) -> Option<Status> {
    Some(match plain(word).as_str() {
        "confirmed" | "subscribed" | "active" | "enabled" | "true" | "yes" => Status::Confirmed,
        "pending" | "unconfirmed" | "inactive" | "nonsubscribed" => Status::Pending,
        "unsubscribed" | "cancelled" | "canceled" | "optout" | "blocklisted" | "false" => {
            Status::Unsubscribed
        }
        "suppressed" | "bounced" | "cleaned" | "complained" => Status::Suppressed,
        _ => return None,
    })
}
