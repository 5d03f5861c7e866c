//! What the layout of every visitor's page needs to know of the site.

use model::sites::Site;
use serde::Serialize;

/// The `site` of a public template's context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PublicSite {
    /// Its name.
    pub name: String,
    /// BCP 47 tag of its pages.
    pub language: String,
    /// Its home page.
    pub home: String,
    /// Links in the footer: imprint, privacy.
    pub links: Vec<FootLink>,
    /// Its postal address.
    pub address: String,
    /// IANA name of its time zone.
    pub zone: String,
}

/// A link in the footer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FootLink {
    /// Where it leads.
    pub href: String,
    /// What it says.
    pub label: String,
}

impl From<&Site> for PublicSite {
    fn from(site: &Site) -> Self {
        let catalogue = FootLink { href: "/catalogue".to_owned(), label: "Catalogue".to_owned() };
        let legal = site
            .settings
            .legal_pages
            .iter()
            .map(|(label, slug)| FootLink { href: format!("/p/{slug}"), label: label.clone() });
        Self {
            name: site.name.clone(),
            language: site.language.clone(),
            home: "/".to_owned(),
            links: std::iter::once(catalogue).chain(legal).collect(),
            address: site.postal_address.clone(),
            zone: site.timezone.clone(),
        }
    }
}

impl PublicSite {
    /// Sample data for the render-all test.
    pub fn sample() -> Self {
        Self {
            name: "The Quiet Press".to_owned(),
            language: "en".to_owned(),
            home: "/".to_owned(),
            links: vec![FootLink { href: "/p/imprint".to_owned(), label: "Imprint".to_owned() }],
            address: "1 Mill Lane, 10115 Berlin".to_owned(),
            zone: "Europe/Berlin".to_owned(),
        }
    }
}
