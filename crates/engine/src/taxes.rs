//! The tax of a site, from its settings.

use std::collections::BTreeMap;

use model::money::Rate;
use model::sites::Site;
use model::taxes::{Country, Rounding, TaxMode, TaxRule, TaxTable};

/// The site's table of rates; `*` in the settings stands for every other country.
pub fn table(site: &Site) -> TaxTable {
    let rate = |ppm: &i64| Rate { ppm: u32::try_from(*ppm).unwrap_or(0) };
    let by_country: BTreeMap<Country, Rate> = site
        .settings
        .tax_ppm
        .iter()
        .filter_map(|(code, ppm)| Some((Country::parse(code).ok()?, rate(ppm))))
        .collect();
    TaxTable {
        mode: if site.settings.prices_include_tax {
            TaxMode::Inclusive
        } else {
            TaxMode::Exclusive
        },
        rounding: Rounding::PerLine,
        default: site.settings.tax_ppm.get("*").map(rate).unwrap_or_default(),
        by_country,
    }
}

/// The rule for a buyer in `country`.
pub fn rule(site: &Site, country: Option<Country>) -> TaxRule {
    table(site).rule_for(country)
}
