//! What the name servers say of a domain that mail comes from: SPF, DKIM, DMARC.

use std::net::SocketAddr;

use model::sites::Site;

use super::{Check, Health, check};
use crate::config::Config;
use crate::dns;

/// Ends of names that nobody can own (RFC 2606, RFC 6761).
const RESERVED: &[&str] = &["localhost", "example", "test", "invalid", "local", "internal"];

/// Looks at the records of every site's domain. Where nobody answers, that is all that is said.
pub async fn look(config: &Config, sites: &[Site]) -> Vec<Check> {
    let servers = match dns::servers(config.text("dns.servers")) {
        Ok(servers) => servers,
        Err(why) => return vec![check("dns", Health::Fail, why, "see dns.servers")],
    };
    let mut checks = Vec::new();
    for site in sites {
        let domain = site.sender_domain();
        let end = domain.rsplit('.').next().unwrap_or_default();
        if RESERVED.contains(&end) {
            let found = format!("{domain} is nobody's: there is nothing to look up");
            checks.push(check("dns", Health::Warn, found, "set a sender address of your own"));
            continue;
        }
        match of_domain(config, &servers, site).await {
            Ok(found) => checks.extend(found),
            Err(why) => {
                let found = format!("SPF, DKIM and DMARC of {domain} were not looked at: {why}");
                let mend = "see /etc/resolv.conf, or name a server in dns.servers";
                checks.push(check("dns", Health::Warn, found, mend));
            }
        }
    }
    checks
}

async fn of_domain(
    config: &Config,
    servers: &[SocketAddr],
    site: &Site,
) -> Result<Vec<Check>, String> {
    let domain = site.sender_domain();
    let mut checks = vec![spf(domain, &dns::texts(servers, domain).await?)];
    let keys = &site.settings.sending.dkim;
    for key in keys {
        let name = format!("{}._domainkey.{}", key.selector, key.domain);
        checks.push(dkim(&name, &key.record, &dns::texts(servers, &name).await?));
    }
    let relay_signs = super::transport(config, site).is_some_and(|transport| transport.signs());
    if keys.is_empty() && !relay_signs {
        let mend = "make a key in the admin, under Sending, and publish its record";
        checks.push(check("dkim", Health::Warn, format!("{domain} has no key"), mend));
    }
    let name = format!("_dmarc.{domain}");
    let mut found = dns::texts(servers, &name).await?;
    if found.is_empty()
        && let Some(above) = one_above(domain)
    {
        found = dns::texts(servers, &format!("_dmarc.{above}")).await?;
    }
    checks.push(dmarc(&name, &found));
    Ok(checks)
}

/// The domain one above, where that is still more than an ending.
fn one_above(domain: &str) -> Option<&str> {
    domain.split_once('.').map(|(_, above)| above).filter(|above| above.contains('.'))
}

fn spf(domain: &str, found: &[String]) -> Check {
    let records: Vec<_> = found.iter().filter(|text| is_spf(text)).collect();
    match records.as_slice() {
        [one] => check("spf", Health::Ok, format!("{domain}: {one}"), ""),
        [] => {
            let mend = "publish the TXT record your mail server's keeper names (v=spf1 …)";
            check("spf", Health::Warn, format!("{domain} has none"), mend)
        }
        several => {
            let text = format!("{domain} has {}: receivers take none of them", several.len());
            check("spf", Health::Fail, text, "publish one TXT record that begins with v=spf1")
        }
    }
}

fn is_spf(text: &str) -> bool {
    text == "v=spf1" || text.starts_with("v=spf1 ")
}

fn dkim(name: &str, ours: &str, found: &[String]) -> Check {
    let Some(public) = public_part(ours) else {
        return check("dkim", Health::Warn, format!("{name}: our record has no key"), "");
    };
    if found.iter().any(|text| public_part(text).as_ref() == Some(&public)) {
        return check("dkim", Health::Ok, format!("{name} holds our key"), "");
    }
    let (text, mend) = if found.is_empty() {
        (format!("{name} is not published"), "publish the record shown under Sending")
    } else {
        (format!("{name} holds another key"), "publish the record shown under Sending anew")
    };
    check("dkim", Health::Fail, text, mend)
}

/// The public key of a record, without the blanks it may be broken with.
fn public_part(record: &str) -> Option<String> {
    let tag = record.split(';').find_map(|tag| tag.trim().strip_prefix("p="))?;
    let key: String = tag.chars().filter(|c| !c.is_whitespace()).collect();
    (!key.is_empty()).then_some(key)
}

fn dmarc(name: &str, found: &[String]) -> Check {
    match found.iter().find(|text| text.starts_with("v=DMARC1")) {
        Some(text) => check("dmarc", Health::Ok, format!("{name}: {text}"), ""),
        None => {
            let mend = "publish the TXT record v=DMARC1; p=none";
            check("dmarc", Health::Warn, format!("{name} has none"), mend)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_compared_by_what_receivers_read() {
        let key = "v=DKIM1; k=rsa; p=AB CD";
        assert_eq!(dkim("n", key, &["v=DKIM1;p=ABCD".to_owned()]).health, Health::Ok);
        assert_eq!(dkim("n", key, &["v=DKIM1; p=XY".to_owned()]).health, Health::Fail);
        assert_eq!(dkim("n", key, &["v=DKIM1; p=".to_owned()]).health, Health::Fail, "revoked");
        assert_eq!(dkim("n", key, &[]).health, Health::Fail);
        let two = ["v=spf1 -all".to_owned(), "v=spf1 mx".to_owned()];
        assert_eq!(spf("d", &two).health, Health::Fail);
        assert_eq!(spf("d", &["v=spf10".to_owned()]).health, Health::Warn);
        assert_eq!(one_above("mail.shop.org"), Some("shop.org"));
        assert_eq!(one_above("shop.org"), None);
    }
}
