//! Channels: which road a touch came by, by the usual default rules.
//!
//! The campaign tags decide first, then the click mark of an ad network, then the host that
//! referred. A paid medium on a search source is paid search, on a social one paid social, on
//! neither just paid. A click mark that networks put on every link (`fbclid`) is not paid.

mod lists;
mod rules;

pub use self::lists::{Kind, Known, find, is_spam};
pub use self::rules::{RULES_MAX, Rule, channel_of};
use crate::sources::{Touch, Utm};
use crate::words::words;

words! {
    /// A channel.
    Channel "channel" {
        /// Nothing says where from.
        Direct = "direct",
        /// Ads on marketplaces, or for them.
        PaidShopping = "paid_shopping",
        /// Ads beside search results.
        PaidSearch = "paid_search",
        /// Ads in social networks.
        PaidSocial = "paid_social",
        /// Ads in films.
        PaidVideo = "paid_video",
        /// Banners, by impressions.
        Display = "display",
        /// Other ads.
        PaidOther = "paid_other",
        /// Marketplaces.
        OrganicShopping = "organic_shopping",
        /// Social networks.
        OrganicSocial = "organic_social",
        /// Films.
        OrganicVideo = "organic_video",
        /// Search results.
        OrganicSearch = "organic_search",
        /// An assistant's answer.
        AiAssistants = "ai_assistants",
        /// Mail, ours and others'.
        Email = "email",
        /// Partners.
        Affiliates = "affiliates",
        /// Other sites.
        Referral = "referral",
        /// Podcasts and the like.
        Audio = "audio",
        /// Text messages.
        Sms = "sms",
        /// Notices of apps.
        MobilePush = "mobile_push",
        /// Print: short links and their QR codes.
        Offline = "offline",
        /// Tagged, but by no rule.
        Other = "other",
    }
}

impl Channel {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "Direct",
            Self::PaidShopping => "Paid Shopping",
            Self::PaidSearch => "Paid Search",
            Self::PaidSocial => "Paid Social",
            Self::PaidVideo => "Paid Video",
            Self::Display => "Display",
            Self::PaidOther => "Paid Other",
            Self::OrganicShopping => "Organic Shopping",
            Self::OrganicSocial => "Organic Social",
            Self::OrganicVideo => "Organic Video",
            Self::OrganicSearch => "Organic Search",
            Self::AiAssistants => "AI Assistants",
            Self::Email => "Email",
            Self::Affiliates => "Affiliates",
            Self::Referral => "Referral",
            Self::Audio => "Audio",
            Self::Sms => "SMS",
            Self::MobilePush => "Mobile Push Notifications",
            Self::Offline => "Offline",
            Self::Other => "Other",
        }
    }

    /// The channel of a touch.
    pub fn of(touch: &Touch) -> Self {
        let utm = &touch.utm;
        if let Some(channel) = touch.code.as_deref().and_then(by_code).filter(|_| utm.is_empty()) {
            return channel;
        }
        let text = |tag: &Option<String>| tag.clone().unwrap_or_default().to_lowercase();
        let (source, medium) = (text(&utm.source), text(&utm.medium));
        let none = |tag: &str| matches!(tag, "" | "(direct)" | "(none)" | "(not set)");
        if none(&source) && none(&medium) && utm.campaign.is_none() {
            return by_referrer(touch.referrer.as_deref(), utm);
        }
        let site = lists::find(&source).map(|known| known.kind);
        let paid = is_paid(&medium) || (medium.is_empty() && has_ad_mark(utm));
        let shopping = site == Some(Kind::Shopping) || says_shop(&text(&utm.campaign));
        if paid {
            return match (shopping, site) {
                (true, _) => Self::PaidShopping,
                (_, Some(Kind::Search)) => Self::PaidSearch,
                (_, Some(Kind::Social)) => Self::PaidSocial,
                (_, Some(Kind::Video)) => Self::PaidVideo,
                _ if is_display(&medium) => Self::Display,
                _ => Self::PaidOther,
            };
        }
        if is_display(&medium) {
            return Self::Display;
        }
        unpaid(&source, &medium, shopping, site)
    }
}

/// A code of `code.sig`: a customer's is their id, a partner's a name of their own.
fn by_code(code: &str) -> Option<Channel> {
    let (name, _) = code.split_once('.')?;
    let is_customer = crate::ids::from_base32(name).is_some();
    Some(if is_customer { Channel::Referral } else { Channel::Affiliates })
}

fn unpaid(source: &str, medium: &str, shopping: bool, site: Option<Kind>) -> Channel {
    let social_media =
        ["social", "social-network", "social-media", "sm", "social network", "social media"];
    let mail = |tag: &str| {
        let tag = tag.replace(['-', '_', ' '], "");
        tag == "email" || tag == "mail" || tag.starts_with("newsletter")
    };
    match medium {
        _ if shopping => Channel::OrganicShopping,
        // One letter alone names a network, unless the medium says otherwise.
        medium if medium.contains("video") && source == "x" => Channel::OrganicVideo,
        medium if site == Some(Kind::Social) || social_media.contains(&medium) => {
            Channel::OrganicSocial
        }
        medium if site == Some(Kind::Video) || medium.contains("video") => Channel::OrganicVideo,
        _ if site == Some(Kind::Assistant) => Channel::AiAssistants,
        medium if mail(source) || mail(medium) || site == Some(Kind::Mail) => Channel::Email,
        medium if site == Some(Kind::Search) || medium == "organic" => Channel::OrganicSearch,
        "affiliate" | "affiliates" | "partner" => Channel::Affiliates,
        "referral" | "app" | "link" => Channel::Referral,
        "audio" | "podcast" => Channel::Audio,
        "qr" | "print" | "offline" | "flyer" | "poster" => Channel::Offline,
        medium if source == "sms" || medium == "sms" => Channel::Sms,
        medium
            if medium.ends_with("push")
                || medium.contains("mobile")
                || medium.contains("notification")
                || source == "firebase" =>
        {
            Channel::MobilePush
        }
        _ => Channel::Other,
    }
}

fn by_referrer(referrer: Option<&str>, utm: &Utm) -> Channel {
    let Some(referrer) = referrer else {
        return if has_ad_mark(utm) { ad_mark_channel(utm) } else { Channel::Direct };
    };
    match lists::find(referrer).map(|known| known.kind) {
        Some(Kind::Search) if has_ad_mark(utm) => Channel::PaidSearch,
        Some(Kind::Video) if has_ad_mark(utm) => Channel::PaidVideo,
        Some(Kind::Social) if has_ad_mark(utm) => Channel::PaidSocial,
        _ if has_ad_mark(utm) => ad_mark_channel(utm),
        Some(Kind::Search) => Channel::OrganicSearch,
        Some(Kind::Social) => Channel::OrganicSocial,
        Some(Kind::Video) => Channel::OrganicVideo,
        Some(Kind::Shopping) => Channel::OrganicShopping,
        Some(Kind::Mail) => Channel::Email,
        Some(Kind::Assistant) => Channel::AiAssistants,
        Some(Kind::Ads) => Channel::PaidOther,
        Some(Kind::Gateway | Kind::Plain) | None => Channel::Referral,
    }
}

/// Whether the click mark is one that a network puts on ads alone.
fn has_ad_mark(utm: &Utm) -> bool {
    let mark = utm.click_id.as_deref().unwrap_or("");
    matches!(mark, "gclid" | "gbraid" | "wbraid" | "msclkid" | "dclid")
}

fn ad_mark_channel(utm: &Utm) -> Channel {
    if utm.click_id.as_deref() == Some("dclid") { Channel::Display } else { Channel::PaidSearch }
}

/// `^(.*cp.*|ppc|retargeting|paid.*)$`
fn is_paid(medium: &str) -> bool {
    medium.contains("cp") && !is_display(medium)
        || matches!(medium, "ppc" | "retargeting")
        || medium.starts_with("paid")
}

fn is_display(medium: &str) -> bool {
    matches!(medium, "display" | "banner" | "expandable" | "interstitial" | "cpm")
}

/// `(([^a-df-z]|^)shop|shopping)`: "eshop" and "shop" do, "workshop" does not.
fn says_shop(campaign: &str) -> bool {
    campaign.contains("shopping")
        || campaign.match_indices("shop").any(|(at, _)| {
            let before = campaign.get(..at).and_then(|text| text.chars().next_back());
            before.is_none_or(|c| !matches!(c, 'a'..='d' | 'f'..='z'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::referrer_host;
    use crate::test_data;
    use crate::times::UtcMs;

    #[test]
    fn the_recorded_cases_come_by_their_channels() {
        let Some(cases) = test_data::text("tracking/utm_channel_cases.json") else { return };
        let cases: serde_json::Value = serde_json::from_str(&cases).unwrap();
        let mut wrong = Vec::new();
        for case in cases.as_array().unwrap() {
            let tag = |key: &str| {
                case[key].as_str().filter(|text| !text.is_empty()).map(str::to_lowercase)
            };
            let touch = Touch {
                at: UtcMs(1),
                utm: Utm {
                    source: tag("utm_source"),
                    medium: tag("utm_medium"),
                    campaign: tag("utm_campaign"),
                    click_id: tag("click_id"),
                    ..Utm::default()
                },
                referrer: tag("referrer")
                    .and_then(|referrer| referrer_host(&referrer))
                    .filter(|host| host != "shop.example"),
                landing: "/".to_owned(),
                code: None,
            };
            let got = Channel::of(&touch).name();
            if got != case["expected"] {
                wrong.push(format!("{got}: {case}"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn hosts_go_by_their_brand_and_apps_by_theirs() {
        for (name, site) in [
            ("google.co.uk", Some(Kind::Search)),
            ("de.search.yahoo.com", Some(Kind::Search)),
            ("mail.google.com", Some(Kind::Mail)),
            ("gemini.google.com", Some(Kind::Assistant)),
            ("m.youtube.com", Some(Kind::Video)),
            ("com.reddit.frontpage", Some(Kind::Social)),
            ("amazon.com.au", Some(Kind::Shopping)),
            ("notgoogle.com", None),
            ("google.evil.test", None),
            ("bob.test", None),
        ] {
            assert_eq!(find(name).map(|known| known.kind), site, "{name}");
        }
    }

    #[test]
    fn a_click_mark_alone_is_paid_where_only_ads_carry_it() {
        let of = |address: &str| Channel::of(&Touch::read(UtcMs(1), address, None, &[]));
        assert_eq!(of("/?gclid=x"), Channel::PaidSearch);
        assert_eq!(of("/?fbclid=x"), Channel::Direct);
        assert_eq!(of("/?utm_source=google&gclid=x"), Channel::PaidSearch);
        assert_eq!(of("/?utm_source=card&utm_medium=qr"), Channel::Offline);
        assert_eq!(of("/?utm_source=flyer&utm_medium=print"), Channel::Offline);
        let coded = |code: &str| Channel::of(&Touch::default().with_code(Some(code)));
        assert_eq!(coded(&format!("{}.sig", crate::ids::to_base32(7))), Channel::Referral);
        assert_eq!(coded("acme.sig"), Channel::Affiliates);
        assert_eq!(coded("acme"), Channel::Direct, "no code of ours");
        assert_eq!(of("/"), Channel::Direct);
    }
}
