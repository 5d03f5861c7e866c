//! Which browser a request comes from, in a few words for a list of sign-ins. No version, no
//! device: enough to know one's own again, too little to tell people apart.

use axum::http::{HeaderMap, header};

/// `Firefox on Linux`.
pub fn browser_name(headers: &HeaderMap) -> String {
    let said = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let said = said.unwrap_or_default();
    let first = |known: &[(&str, &'static str)]| {
        known.iter().find(|(mark, _)| said.contains(mark)).map(|(_, name)| *name)
    };
    // Those that pretend to be another stand before it.
    let browser = first(&[
        ("Edg", "Edge"),
        ("OPR", "Opera"),
        ("Firefox", "Firefox"),
        ("Chrom", "Chrome"),
        ("Safari", "Safari"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => "another browser".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_named_and_nothing_it_says_is_kept() {
        let mut headers = HeaderMap::new();
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
        headers.insert(header::USER_AGENT, firefox.parse().unwrap());
        assert_eq!(browser_name(&headers), "Firefox on Linux");
        headers.insert(header::USER_AGENT, "<img src=x onerror=alert(1)>".parse().unwrap());
        assert_eq!(browser_name(&headers), "another browser");
    }
}
