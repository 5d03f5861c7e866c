//! Channels: which road a touch came by, by the usual default rules.
//!
//! The campaign tags decide first, then the click mark of an ad network, then the host that
//! referred. A paid medium on a search source is paid search, on a social one paid social, on
//! neither just paid. A click mark that networks put on every link (`fbclid`) is not paid.

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
        if touch.code.is_some() && utm.is_empty() {
            return Self::Referral;
        }
        let text = |tag: &Option<String>| tag.clone().unwrap_or_default().to_lowercase();
        let (source, medium) = (text(&utm.source), text(&utm.medium));
        let none = |tag: &str| matches!(tag, "" | "(direct)" | "(none)" | "(not set)");
        if none(&source) && none(&medium) && utm.campaign.is_none() {
            return by_referrer(touch.referrer.as_deref(), utm);
        }
        let site = Site::of(&source);
        let paid = is_paid(&medium) || (medium.is_empty() && has_ad_mark(utm));
        let shopping = site == Some(Site::Shopping) || says_shop(&text(&utm.campaign));
        if paid {
            return match (shopping, site) {
                (true, _) => Self::PaidShopping,
                (_, Some(Site::Search)) => Self::PaidSearch,
                (_, Some(Site::Social)) => Self::PaidSocial,
                (_, Some(Site::Video)) => Self::PaidVideo,
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

fn unpaid(source: &str, medium: &str, shopping: bool, site: Option<Site>) -> Channel {
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
        medium if site == Some(Site::Social) || social_media.contains(&medium) => {
            Channel::OrganicSocial
        }
        medium if site == Some(Site::Video) || medium.contains("video") => Channel::OrganicVideo,
        _ if site == Some(Site::Assistant) => Channel::AiAssistants,
        medium if mail(source) || mail(medium) || site == Some(Site::Mail) => Channel::Email,
        medium if site == Some(Site::Search) || medium == "organic" => Channel::OrganicSearch,
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
    match Site::of(referrer) {
        Some(Site::Search) if has_ad_mark(utm) => Channel::PaidSearch,
        Some(Site::Video) if has_ad_mark(utm) => Channel::PaidVideo,
        Some(Site::Social) if has_ad_mark(utm) => Channel::PaidSocial,
        _ if has_ad_mark(utm) => ad_mark_channel(utm),
        Some(Site::Search) => Channel::OrganicSearch,
        Some(Site::Social) => Channel::OrganicSocial,
        Some(Site::Video) => Channel::OrganicVideo,
        Some(Site::Shopping) => Channel::OrganicShopping,
        Some(Site::Mail) => Channel::Email,
        Some(Site::Assistant) => Channel::AiAssistants,
        None => Channel::Referral,
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

/// What kind of site a source or a referring host is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Site {
    Search,
    Social,
    Video,
    Shopping,
    Mail,
    Assistant,
}

/// Hosts that would else be taken for what their parent is.
const ASSISTANTS: &[&str] = &[
    "chatgpt.com",
    "chat.openai.com",
    "openai.com",
    "claude.ai",
    "gemini.google.com",
    "bard.google.com",
    "copilot.microsoft.com",
    "copilot.com",
    "perplexity.ai",
    "poe.com",
    "chat.deepseek.com",
    "deepseek.com",
    "grok.com",
    "meta.ai",
    "you.com",
    "chat.mistral.ai",
    "phind.com",
    "character.ai",
    "chatgpt",
    "openai",
    "claude",
    "gemini",
    "copilot",
    "perplexity",
    "deepseek",
];
const MAIL: &[&str] = &[
    "mail.google.com",
    "mail.yahoo.com",
    "mail.yahoo.co.jp",
    "mail.yahoo.net",
    "outlook.live.com",
    "outlook.office.com",
    "outlook.office365.com",
    "outlook.com",
    "mail.live.com",
    "hotmail.com",
    "mail.aol.com",
    "webmail.aol.com",
    "icloud.com",
    "mail.ru",
    "e.mail.ru",
    "mail.yandex.ru",
    "mail.yandex.com",
    "mail.proton.me",
    "mail.zoho.com",
    "mail.163.com",
    "mail.126.com",
    "mail.qq.com",
    "webmail.freenet.de",
    "navigator.gmx.net",
    "navigator.web.de",
    "gmx.net",
    "web.de",
    "mail.naver.com",
    "mail.com",
    "fastmail.com",
    "app.hey.com",
    "com.google.android.gm",
    "com.microsoft.office.outlook",
    "com.yahoo.mobile.client.android.mail",
];
const SEARCH: &[&str] = &[
    "google",
    "bing",
    "duckduckgo",
    "yahoo",
    "yandex",
    "baidu",
    "ecosia",
    "qwant",
    "startpage",
    "brave",
    "ask",
    "aol",
    "naver",
    "seznam",
    "sogou",
    "so",
    "daum",
    "swisscows",
    "mojeek",
    "metager",
    "kagi",
    "dogpile",
    "lycos",
    "rambler",
    "presearch",
    "ixquick",
    "babylon",
    "go.mail.ru",
    "coccoc",
    "dogpile",
    "search",
    "search.brave.com",
    "com.google.android.googlequicksearchbox",
];
const SOCIAL: &[&str] = &[
    "facebook",
    "fb",
    "fb.me",
    "m.me",
    "messenger",
    "instagram",
    "ig",
    "threads",
    "linkedin",
    "lnkd.in",
    "twitter",
    "t.co",
    "x",
    "x.com",
    "tiktok",
    "pinterest",
    "pin.it",
    "reddit",
    "redd.it",
    "snapchat",
    "tumblr",
    "vk",
    "ok.ru",
    "odnoklassniki",
    "weibo",
    "quora",
    "mastodon",
    "mastodon.social",
    "bsky.app",
    "bluesky",
    "whatsapp",
    "wa.me",
    "telegram",
    "t.me",
    "discord",
    "slack",
    "line.me",
    "xing",
    "meetup",
    "flickr",
    "medium",
    "stackoverflow",
    "news.ycombinator.com",
    "hackernews",
    "producthunt",
    "buffer",
    "hootsuite",
    "wechat",
    "douban",
    "mixi",
    "viadeo",
    "myspace",
    "goodreads",
    "nextdoor",
    "workplace",
    "disqus",
];
const VIDEO: &[&str] = &[
    "youtube",
    "youtu.be",
    "vimeo",
    "dailymotion",
    "twitch",
    "wistia",
    "netflix",
    "hulu",
    "rumble",
    "bilibili",
    "niconico",
    "youku",
    "veoh",
    "ted",
];
const SHOPPING: &[&str] = &[
    "amazon",
    "ebay",
    "etsy",
    "shopify",
    "aliexpress",
    "alibaba",
    "walmart",
    "rakuten",
    "zalando",
    "shopping",
    "idealo",
    "mercadolibre",
    "mercadolivre",
    "allegro",
    "otto",
    "wish",
    "temu",
    "shein",
    "bol",
    "cdiscount",
    "flipkart",
    "igshopping",
    "shopzilla",
    "pricegrabber",
];

impl Site {
    /// By a source's name (`facebook`), a host, or the name of an app (`com.reddit.frontpage`).
    fn of(name: &str) -> Option<Self> {
        let name = name.trim();
        if listed(ASSISTANTS, name) {
            return Some(Self::Assistant);
        }
        if listed(MAIL, name) && !listed(SEARCH, name) {
            return Some(Self::Mail);
        }
        let brand = brand(name);
        let known = |list: &[&str]| listed(list, name) || list.contains(&brand);
        [
            (Self::Social, SOCIAL),
            (Self::Video, VIDEO),
            (Self::Shopping, SHOPPING),
            (Self::Search, SEARCH),
        ]
        .into_iter()
        .find_map(|(site, list)| known(list).then_some(site))
        .or_else(|| Self::by_label(name))
    }

    /// By what many providers call a part of theirs: `webmail.…`, `suche.…`.
    fn by_label(host: &str) -> Option<Self> {
        let (first, rest) = host.split_once('.')?;
        let under = rest.contains('.');
        if host.starts_with("deref-") || (under && is_mail_label(first)) {
            return Some(Self::Mail);
        }
        let searches = |label: &str| {
            ["search", "suche", "recherche"].iter().any(|word| label.starts_with(word))
                || label.ends_with("search")
        };
        (searches(first) || (under && rest.split('.').any(searches))).then_some(Self::Search)
    }
}

fn is_mail_label(label: &str) -> bool {
    label.contains("mail") || label.starts_with("messagerie") || label == "correo"
}

/// The host itself, or one under it.
fn listed(list: &[&str], name: &str) -> bool {
    list.iter().any(|host| {
        name == *host
            || (host.contains('.')
                && name.strip_suffix(host).is_some_and(|rest| rest.ends_with('.')))
    })
}

/// The name before the top level: `google` of `www.google.co.uk`, `reddit` of
/// `com.reddit.frontpage`. A name without dots is its own.
fn brand(name: &str) -> &str {
    let labels: Vec<&str> = name.split('.').collect();
    match labels.as_slice() {
        [] | [_] => name,
        // An app's name is turned round.
        ["com" | "org" | "net" | "co" | "jp" | "de", brand, _, ..] => brand,
        [.., brand, "co" | "com" | "org" | "net", top] if top.len() == 2 => brand,
        [.., brand, _] => brand,
    }
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
    fn referring_hosts_are_told_apart() {
        let Some(cases) = test_data::text("tracking/referer-tests.json") else { return };
        let cases: serde_json::Value = serde_json::from_str(&cases).unwrap();
        let (mut all, mut wrong) = (0, Vec::new());
        for case in cases.as_array().unwrap() {
            let site = match case["medium"].as_str() {
                Some("search") => Some(Site::Search),
                Some("social") => Some(Site::Social),
                Some("email") => Some(Site::Mail),
                Some("chatbot") => Some(Site::Assistant),
                _ => continue,
            };
            let Some(host) = referrer_host(case["uri"].as_str().unwrap()) else { continue };
            all += 1;
            if Site::of(&host) != site {
                wrong.push(format!("{host} {:?} {case}", Site::of(&host)));
            }
        }
        // The list is long on purpose: ours holds who matters, and rules for the rest.
        assert!(all > 50 && wrong.len() * 100 <= all * 15, "{all} {wrong:#?}");
    }

    #[test]
    fn hosts_go_by_their_brand_and_apps_by_theirs() {
        for (name, site) in [
            ("google.co.uk", Some(Site::Search)),
            ("de.search.yahoo.com", Some(Site::Search)),
            ("mail.google.com", Some(Site::Mail)),
            ("gemini.google.com", Some(Site::Assistant)),
            ("m.youtube.com", Some(Site::Video)),
            ("com.reddit.frontpage", Some(Site::Social)),
            ("amazon.com.au", Some(Site::Shopping)),
            ("notgoogle.com", None),
            ("google.evil.test", None),
            ("bob.test", None),
        ] {
            assert_eq!(Site::of(name), site, "{name}");
        }
    }

    #[test]
    fn a_click_mark_alone_is_paid_where_only_ads_carry_it() {
        let of = |address: &str| Channel::of(&Touch::read(UtcMs(1), address, None, &[]));
        assert_eq!(of("/?gclid=x"), Channel::PaidSearch);
        assert_eq!(of("/?fbclid=x"), Channel::Direct);
        assert_eq!(of("/?utm_source=google&gclid=x"), Channel::PaidSearch);
        assert_eq!(of("/?utm_source=card&utm_medium=qr"), Channel::Offline);
        assert_eq!(of("/"), Channel::Direct);
    }
}
