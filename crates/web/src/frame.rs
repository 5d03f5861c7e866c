//! What stands around every operator page: whose site, who is signed in, what just happened.
//!
//! A page's context holds one of these as `frame`; `layout/admin.html` draws it.

use model::UtcMs;
use serde::Serialize;

/// The frame of an operator page.
#[derive(Debug, Clone, Serialize)]
pub struct Frame {
    /// Which entry of the side bar is current: a key of `nav::GROUPS` or of one of its items.
    pub section: &'static str,
    /// The site in view; `None` before there is one.
    pub site: Option<SiteChoice>,
    /// Every site this operator may open; the switcher shows where there is more than one.
    pub sites: Vec<SiteChoice>,
    /// Who is signed in; `None` on set-up pages.
    pub operator: Option<OperatorChip>,
    /// One-time messages, newest last.
    pub flashes: Vec<Flash>,
    /// What is true until someone changes it: "mail is caught", "sending is paused".
    pub notices: Vec<Notice>,
    /// The clock's word, for `ago`.
    pub now: UtcMs,
    /// The site's time zone (IANA name), for `date` and `datetime`.
    pub zone: String,
}

/// One site in the switcher.
#[derive(Debug, Clone, Serialize)]
pub struct SiteChoice {
    /// Its outside id, the value the switcher posts.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its address, where its own pages stand.
    pub url: String,
}

/// The signed-in operator.
#[derive(Debug, Clone, Serialize)]
pub struct OperatorChip {
    /// Their name, or their address where they gave none.
    pub name: String,
    /// Their address.
    pub email: String,
}

/// A message shown once, after something was done.
#[derive(Debug, Clone, Serialize)]
pub struct Flash {
    /// How it went.
    pub tone: Tone,
    /// One sentence.
    pub text: String,
}

/// A standing notice with the way out of it.
#[derive(Debug, Clone, Serialize)]
pub struct Notice {
    /// How much it matters.
    pub tone: Tone,
    /// One sentence.
    pub text: String,
    /// Where to see or mend it.
    pub href: Option<String>,
    /// What the link says.
    pub label: Option<String>,
}

/// How something is meant; each has its own icon and word, never its colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// Done, healthy, kept.
    Good,
    /// Needs a look.
    Warn,
    /// Failed, refused, lost.
    Bad,
    /// Worth knowing.
    Info,
    /// Neither.
    Plain,
}

/// One page of a list by key: where the neighbours are.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Pager {
    /// Address of the page before, if there is one.
    pub previous: Option<String>,
    /// Address of the page after, if there is one.
    pub next: Option<String>,
    /// What is shown, in words: `50 of 1,204 contacts`.
    pub shown: Option<String>,
}

/// One step of the way back.
#[derive(Debug, Clone, Serialize)]
pub struct Crumb {
    /// Where it leads.
    pub href: String,
    /// What people read.
    pub label: String,
}

impl Frame {
    /// A frame to draw samples in.
    pub fn sample(section: &'static str) -> Self {
        let site = |id: &str, name: &str, url: &str| SiteChoice {
            id: id.to_owned(),
            name: name.to_owned(),
            url: url.to_owned(),
        };
        let fern = site("sit_0fern", "Fern & Hollow", "http://shop.localhost:8095/");
        Self {
            section,
            site: Some(fern.clone()),
            sites: vec![fern, site("sit_0oak", "Oak Letters", "http://oak.localhost:8095/")],
            operator: Some(OperatorChip {
                name: "Maren Holt".to_owned(),
                email: "owner@shop.example".to_owned(),
            }),
            flashes: Vec::new(),
            notices: vec![Notice {
                tone: Tone::Info,
                text: "Mail is caught on this machine; nothing leaves it.".to_owned(),
                href: Some("/admin/caught".to_owned()),
                label: Some("Read it".to_owned()),
            }],
            now: UtcMs(1_795_293_548_000),
            zone: "Europe/Athens".to_owned(),
        }
    }
}
