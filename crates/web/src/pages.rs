//! Every page with sample data: what the render-all test draws and the accessibility sweep visits.
//! A page is listed here in the same change that adds its template.

use minijinja::Error;
use serde::Serialize;

use crate::{admin, public, templates};

/// One page and how it is drawn with its sample.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// Its template.
    pub template: &'static str,
    draw: fn(&str) -> Result<String, Error>,
}

impl Page {
    /// The page with its sample data.
    ///
    /// # Errors
    /// The template names what the sample does not hold.
    pub fn sample(&self) -> Result<String, Error> {
        (self.draw)(self.template)
    }
}

fn draw(template: &str, sample: impl Serialize) -> Result<String, Error> {
    templates::render(template, sample)
}

macro_rules! pages {
    ($($template:literal => $sample:expr,)+) => {
        /// Every page.
        pub const ALL: &[Page] = &[
            $(Page { template: $template, draw: |name| draw(name, $sample) },)+
        ];
    };
}

pages! {
    "admin/pages/block.html" => admin::pages::blocks::BlockPage::sample(),
    "admin/pages/edit.html" => admin::pages::EditPage::sample(),
    "admin/pages/index.html" => admin::pages::IndexPage::sample(),
    "admin/pages/show.html" => admin::pages::ShowPage::sample(),
    "public/pages/show.html" => public::pages::ShowPage::sample(),
    "error.html" => crate::error::Failure::sample(),
    "public/error.html" => crate::error::SiteErrorPage::sample(),
    "admin/account/recovery.html" => admin::account::RecoveryPage::sample(),
    "admin/account/second_step.html" => admin::account::SecondStepPage::sample(),
    "admin/account/show.html" => admin::account::AccountPage::sample(),
    "admin/audits/index.html" => admin::audits::AuditsPage::sample(),
    "admin/contacts/erase.html" => admin::contacts::show::ErasePage::sample(),
    "admin/contacts/index.html" => admin::contacts::ContactsPage::sample(),
    "admin/contacts/new.html" => admin::contacts::NewPage::sample(),
    "admin/contacts/show.html" => admin::contacts::show::ContactPage::sample(),
    "admin/keys/index.html" => admin::keys::KeysPage::sample(),
    "admin/caught/index.html" => admin::messages::CaughtPage::sample(),
    "admin/messages/index.html" => admin::messages::MessagesPage::sample(),
    "admin/messages/show.html" => admin::messages::MessagePage::sample(),
    "admin/scores/edit.html" => admin::scores::RulePage::sample(),
    "admin/scores/learned.html" => admin::scores::learned::LearnedPage::sample(),
    "admin/scores/index.html" => admin::scores::ScoresPage::sample(),
    "admin/segments/edit.html" => admin::segments::FormPage::sample(),
    "admin/segments/index.html" => admin::segments::SegmentsPage::sample(),
    "admin/segments/show.html" => admin::segments::SegmentPage::sample(),
    "admin/sending/show.html" => admin::sending::SendingPage::sample(),
    "admin/sequences/index.html" => admin::sequences::SequencesPage::sample(),
    "admin/sequences/show.html" => admin::sequences::SequencePage::sample(),
    "admin/sequences/edit.html" => admin::sequences::EditPage::sample(),
    "admin/sequences/people.html" => admin::sequences::people::PeoplePage::sample(),
    "admin/sequences/run.html" => admin::sequences::runs::RunPage::sample(),
    "admin/templates/index.html" => admin::templates::TemplatesPage::sample(),
    "admin/templates/edit.html" => admin::templates::EditPage::sample(),
    "admin/operators/index.html" => admin::operators::OperatorsPage::sample(),
    "admin/operators/show.html" => admin::operators::OperatorPage::sample(),
    "admin/settings/show.html" => admin::settings::SettingsPage::sample(),
    "admin/numbers/report.html" => admin::numbers::report::Report::sample(),
    "admin/numbers/spend.html" => admin::numbers::spend::SpendPage::sample(),
    "admin/setup/index.html" => admin::setup::SetupPage::sample(),
    "admin/sign_in/choose.html" => admin::password::ChoosePage::sample(),
    "admin/sign_in/code.html" => admin::sign_in::CodePage::sample(),
    "admin/sign_in/forgot.html" => admin::password::ForgotPage::sample(),
    "admin/sign_in/index.html" => admin::sign_in::SignInPage::sample(),
    "admin/sign_in/link.html" => admin::sign_in::LinkPage::sample(),
    "admin/topics/index.html" => admin::topics::TopicsPage::sample(),
    "admin/today/index.html" => admin::today::TodayPage::sample(),
    "admin/also_bought/index.html" => admin::also_bought::AlsoBoughtPage::sample(),
    "admin/also_bought/show.html" => admin::also_bought::BesidePage::sample(),
    "admin/also_bought/customers.html" => admin::also_bought::CustomersPage::sample(),
    "admin/catalogue/index.html" => admin::catalogue::CataloguePage::sample(),
    "admin/coupons/index.html" => admin::coupons::CouponsPage::sample(),
    "admin/coupons/show.html" => admin::coupons::CouponPage::sample(),
    "admin/offers/index.html" => admin::offers::OffersPage::sample(),
    "admin/offers/show.html" => admin::offers::OfferPage::sample(),
    "admin/orders/index.html" => admin::orders::OrdersPage::sample(),
    "admin/orders/show.html" => admin::orders::OrderPage::sample(),
    "admin/paths/index.html" => admin::paths::PathsPage::sample(),
    "admin/paths/show.html" => admin::paths::PathPage::sample(),
    "admin/products/index.html" => admin::products::ProductsPage::sample(),
    "admin/products/show.html" => admin::products::ProductPage::sample(),
    "admin/referrals/index.html" => admin::referrals::ReferralsPage::sample(),
    "public/catalogue/index.html" => crate::public::catalogue::CataloguePage::sample(),
    "public/checkout/show.html" => crate::public::checkout::CheckoutPage::sample(),
    "public/orders/challenge.html" => crate::public::orders::ChallengePage::sample(),
    "public/orders/pay.html" => crate::public::orders::PayPage::sample(),
    "public/orders/receipt.html" => crate::public::orders::ReceiptPage::sample(),
    "public/orders/show.html" => crate::public::orders::ThanksPage::sample(),
    "public/orders/waiting.html" => crate::public::orders::WaitingPage::sample(),
    "public/upsell/over.html" => crate::public::upsell::OverPage::sample(),
    "public/upsell/show.html" => crate::public::upsell::OfferPage::sample(),
    "admin/forms/edit.html" => admin::forms::EditPage::sample(),
    "admin/forms/index.html" => admin::forms::FormsPage::sample(),
    "admin/forms/answers.html" => admin::forms::AnswersPage::sample(),
    "admin/forms/show.html" => admin::forms::FormPage::sample(),
    "admin/imports/index.html" => admin::imports::ImportsPage::sample(),
    "admin/imports/show.html" => admin::imports::ImportPage::sample(),
    "admin/imports/show.html" => admin::imports::ImportPage::sample_unknown(),
    "admin/imports/show.html" => admin::imports::ImportPage::sample_undone(),
    "admin/imports/undo.html" => admin::imports::UndoPage::sample(),
    "admin/magnets/edit.html" => admin::magnets::MagnetPage::sample(),
    "admin/magnets/index.html" => admin::magnets::MagnetsPage::sample(),
    "admin/sources/index.html" => admin::sources::SourcesPage::sample(),
    "admin/sources/left_out.html" => admin::left_out::LeftOutPage::sample(),
    "admin/sources/rules.html" => admin::channel_rules::RulesPage::sample(),
    "admin/sources/sites.html" => admin::view_origins::OriginsPage::sample(),
    "public/confirmations/show.html" => public::confirmations::ConfirmationPage::sample(),
    "public/forms/embed.html" => public::embeds::sample(),
    "public/forms/sent.html" => public::forms::SentPage::sample(),
    "public/forms/show.html" => public::forms::FormPage::sample(),
    "public/magnets/show.html" => public::magnets::MagnetPage::sample(),
    "public/preferences/show.html" => public::preferences::PreferencesPage::sample(),
    "public/privacy/show.html" => public::privacy::PrivacyPage::sample(),
    "public/unsubscribe/show.html" => public::unsubscribe::UnsubscribePage::sample(),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_draws_its_sample_strictly() {
        for page in ALL {
            let html = page.sample().unwrap_or_else(|why| {
                panic!("{}: {why:#}\n{}", page.template, why.display_debug_info());
            });
            // A form to paste stands on somebody else's page.
            let pasted = page.template == "public/forms/embed.html";
            assert!(pasted || html.contains("<h1"), "{} has no heading", page.template);
        }
    }

    #[test]
    fn every_template_is_listed_with_a_sample() {
        let listed: Vec<&str> = ALL.iter().map(|page| page.template).collect();
        let missing: Vec<String> = templates::names()
            .into_iter()
            .filter(|name| !listed.contains(&name.as_str()))
            .collect();
        assert!(missing.is_empty(), "without a sample in pages.rs: {missing:?}");
    }
}
