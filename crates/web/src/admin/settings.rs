//! `/admin/settings`: the site in view, as its owner set it.

use std::collections::BTreeMap;

use axum::extract::State;
use axum_extra::extract::Form;
use engine::EngineError;
use model::operators::Role;
use model::sites::Site;
use model::{Refused, Slug, taxes};
use serde::{Deserialize, Serialize};

use crate::error::WebError;
use crate::extract::operator::CurrentOperator;
use crate::forms::{FieldError, to_mend};
use crate::frame::Frame;
use crate::reply::{self, Reply};
use crate::state::AppState;

/// Most sales mails a week that may be set: more is no cap.
const SALES_MAX: u32 = 7;
/// Longest a referral may be held: a year.
const HOLD_DAYS_MAX: u32 = 365;

/// The settings of a site.
#[derive(Debug, Serialize)]
pub struct SettingsPage {
    frame: Frame,
    may_change: bool,
    form: SettingsForm,
    /// The names the site answers to.
    hosts: Vec<String>,
    errors: Vec<FieldError>,
}

/// What the form holds, as typed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SettingsForm {
    name: String,
    base_url: String,
    sender_name: String,
    sender_address: String,
    reply_to: String,
    postal_address: String,
    currency: String,
    timezone: String,
    language: String,
    prices_include_tax: Option<String>,
    taxes: String,
    sales_mails_per_week: String,
    home_page: String,
    footer: String,
    test_payments: Option<String>,
    offline_payments: Option<String>,
    offline_instructions: String,
    referral_hold_days: String,
    accent: String,
    letters: String,
    corners: String,
}

impl SettingsForm {
    fn of(site: &Site) -> Self {
        let theme = |name: &str| site.settings.theme.get(name).cloned().unwrap_or_default();
        Self {
            name: site.name.clone(),
            base_url: site.base_url.clone(),
            sender_name: site.sender_name.clone(),
            sender_address: site.sender_address.clone(),
            reply_to: site.reply_to.clone().unwrap_or_default(),
            postal_address: site.postal_address.clone(),
            currency: site.currency.clone(),
            timezone: site.timezone.clone(),
            language: site.language.clone(),
            prices_include_tax: site.settings.prices_include_tax.then(|| "on".to_owned()),
            taxes: taxes::write_table(&site.settings.tax_ppm),
            sales_mails_per_week: site.settings.sales_mails_per_week.to_string(),
            home_page: site.settings.home_page.clone().unwrap_or_default(),
            footer: footer_text(&site.settings.legal_pages),
            test_payments: site.settings.test_payments.then(|| "on".to_owned()),
            offline_payments: site.settings.offline_payments.then(|| "on".to_owned()),
            offline_instructions: site.settings.offline_instructions.clone(),
            referral_hold_days: site.settings.referral_hold_days.to_string(),
            accent: theme("accent"),
            letters: theme("letters"),
            corners: theme("corners"),
        }
    }

    /// The site as the form says; what cannot be read is named.
    fn applied_to(&self, site: &Site) -> (Site, Vec<Refused>) {
        let mut wrong = Vec::new();
        let mut site = site.clone();
        let line = |text: &str| text.trim().to_owned();
        let some = |text: &str| Some(line(text)).filter(|text| !text.is_empty());
        site.name = line(&self.name);
        line(&self.base_url).trim_end_matches('/').clone_into(&mut site.base_url);
        site.sender_name = line(&self.sender_name);
        site.sender_address = line(&self.sender_address);
        site.reply_to = some(&self.reply_to);
        site.postal_address = line(&self.postal_address);
        site.currency = line(&self.currency).to_uppercase();
        site.timezone = line(&self.timezone);
        site.language = some(&self.language).unwrap_or_else(|| "en".to_owned());
        site.settings.prices_include_tax = self.prices_include_tax.is_some();
        site.settings.home_page = some(&self.home_page);
        site.settings.test_payments = self.test_payments.is_some();
        site.settings.offline_payments = self.offline_payments.is_some();
        self.offline_instructions.trim().clone_into(&mut site.settings.offline_instructions);
        match read_footer(&self.footer) {
            Ok(links) => site.settings.legal_pages = links,
            Err(refused) => wrong.push(refused),
        }
        match self.referral_hold_days.trim().parse() {
            Ok(days) if days <= HOLD_DAYS_MAX => site.settings.referral_hold_days = days,
            _ => wrong.push(
                Refused::new("hold_invalid", "write a number of days from 0 to 365")
                    .at("referral_hold_days"),
            ),
        }
        match taxes::read_table(&self.taxes) {
            Ok(table) => site.settings.tax_ppm = table,
            Err(refused) => wrong.push(refused.at("taxes")),
        }
        match self.sales_mails_per_week.trim().parse() {
            Ok(cap) if cap <= SALES_MAX => site.settings.sales_mails_per_week = cap,
            _ => wrong.push(
                Refused::new("cap_invalid", "write a number from 0 to 7")
                    .at("sales_mails_per_week"),
            ),
        }
        for (name, value) in
            [("accent", &self.accent), ("letters", &self.letters), ("corners", &self.corners)]
        {
            match some(value) {
                Some(value) => site.settings.theme.insert(name.to_owned(), value),
                None => site.settings.theme.remove(name),
            };
        }
        (site, wrong)
    }
}

/// Links in the footer, one a line: `Imprint: imprint`.
fn footer_text(links: &BTreeMap<String, String>) -> String {
    let lines: Vec<String> = links.iter().map(|(label, slug)| format!("{label}: {slug}")).collect();
    lines.join("\n")
}

fn read_footer(text: &str) -> Result<BTreeMap<String, String>, Refused> {
    let mut links = BTreeMap::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let wrong = || {
            let say =
                format!("write \"{line}\" as a label and the name of a page: Imprint: imprint");
            Refused::new("footer_invalid", say).at("footer")
        };
        let (label, slug) = line.rsplit_once(':').ok_or_else(wrong)?;
        let slug = Slug::parse(slug.trim()).map_err(|_| wrong())?;
        links.insert(label.trim().to_owned(), slug.to_string());
    }
    Ok(links)
}

impl SettingsPage {
    pub(crate) fn sample() -> Self {
        let form = SettingsForm {
            name: "Fern & Hollow".to_owned(),
            base_url: "https://shop.example".to_owned(),
            taxes: "AT 20%\nDE 19%".to_owned(),
            ..SettingsForm::default()
        };
        let errors = vec![FieldError::new("timezone", "use a name such as Europe/Berlin")];
        let hosts = vec!["shop.example".to_owned(), "old.example".to_owned()];
        Self { frame: Frame::sample("settings"), may_change: true, form, hosts, errors }
    }

    async fn of(
        state: &AppState,
        who: &CurrentOperator,
        form: SettingsForm,
        errors: Vec<FieldError>,
    ) -> Result<Self, WebError> {
        let site = who.site.id;
        let hosts = state
            .reader
            .read::<_, EngineError, _>(move |session| {
                Box::pin(async move { Ok(store::sites::hosts(session, site).await?) })
            })
            .await?;
        let may_change = who.present.operator.role.may(Role::Admin);
        Ok(Self { frame: who.frame("settings"), may_change, form, hosts, errors })
    }
}

/// The settings.
pub async fn show(State(state): State<AppState>, who: CurrentOperator) -> Reply {
    let form = SettingsForm::of(&who.site);
    let page = SettingsPage::of(&state, &who, form, Vec::new()).await?;
    reply::page("admin/settings/show.html", page)
}

/// Changes them.
pub async fn update(
    State(state): State<AppState>,
    who: CurrentOperator,
    Form(form): Form<SettingsForm>,
) -> Reply {
    who.require(Role::Admin)?;
    let (site, wrong) = form.applied_to(&who.site);
    let base_url = site.base_url.clone();
    let outcome = if wrong.is_empty() {
        engine::sites::change(&state.engine, who.actor(), site).await
    } else {
        Err(EngineError::RefusedAll(wrong))
    };
    match outcome {
        Ok(()) => {
            state.lives_at(&base_url);
            Ok(reply::done("/admin/settings", "The settings are saved."))
        }
        Err(error) => {
            let page = SettingsPage::of(&state, &who, form, to_mend(error)?).await?;
            reply::again("admin/settings/show.html", page)
        }
    }
}
