//! An owner's own rules: which touches are which channel, whatever the usual rules say.

use crate::channels::Channel;
use crate::ids::ChannelRuleId;
use crate::notes::clean_line;
use crate::refused::Refused;
use crate::sources::Touch;

/// Longer patterns are a slip.
const PATTERN_MAX: usize = 100;
/// Rules a site may have: each is looked at for every touch.
pub const RULES_MAX: usize = 100;

/// One rule: a touch that fits all of its patterns came by its channel. An empty pattern fits
/// anything; `*` in one stands for any letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its id; rules are tried in the order in which they were made.
    pub id: ChannelRuleId,
    /// Of `utm_source`.
    pub source: String,
    /// Of `utm_medium`.
    pub medium: String,
    /// Of `utm_campaign`.
    pub campaign: String,
    /// Of the host that referred; a name without `*` stands for those under it too.
    pub host: String,
    /// The channel.
    pub channel: Channel,
}

impl Rule {
    /// A rule as someone typed it.
    ///
    /// # Errors
    /// `rule_empty`: it would take everything. `channel`: there is no such channel.
    pub fn parse(id: ChannelRuleId, patterns: [&str; 4], channel: &str) -> Result<Self, Refused> {
        let pattern = |text: &str| -> String {
            clean_line(text).to_lowercase().chars().take(PATTERN_MAX).collect()
        };
        let [source, medium, campaign, host] = patterns.map(pattern);
        let all = |text: &str| text.chars().all(|c| c == '*');
        if [&source, &medium, &campaign, &host].into_iter().all(|text| all(text)) {
            let say = "say at least one thing that tells these touches from others";
            return Err(Refused::new("rule_empty", say).at("source"));
        }
        let channel = Channel::parse(channel).map_err(|refused| refused.at("channel"))?;
        let host = host.trim_start_matches("www.").to_owned();
        Ok(Self { id, source, medium, campaign, host, channel })
    }

    /// Whether a touch fits.
    pub fn fits(&self, touch: &Touch) -> bool {
        let host = touch.referrer.as_deref();
        let under = format!("*.{}", self.host);
        fits(&self.source, touch.utm.source.as_deref())
            && fits(&self.medium, touch.utm.medium.as_deref())
            && fits(&self.campaign, touch.utm.campaign.as_deref())
            && (fits(&self.host, host) || !self.host.contains('*') && fits(&under, host))
    }
}

/// The channel of a touch: that of the first rule it fits, or the usual one.
pub fn channel_of(rules: &[Rule], touch: &Touch) -> Channel {
    let own = rules.iter().find(|rule| rule.fits(touch));
    own.map_or_else(|| Channel::of(touch), |rule| rule.channel)
}

/// Whether a text (in lower case) has the form of a pattern.
fn fits(pattern: &str, text: Option<&str>) -> bool {
    if pattern.is_empty() {
        return true;
    }
    let Some(text) = text else { return false };
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let last = pieces.pop().unwrap_or_default();
    for piece in pieces {
        let Some((_, after)) = text.split_once(piece) else { return false };
        text = after;
    }
    text.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::times::UtcMs;

    fn rule(patterns: [&str; 4], channel: Channel) -> Rule {
        Rule::parse(ChannelRuleId(1), patterns, channel.as_str()).unwrap()
    }

    fn touch(address: &str, referrer: Option<&str>) -> Touch {
        Touch::read(UtcMs(1), address, referrer, &[])
    }

    #[test]
    fn the_first_rule_that_fits_decides_and_else_the_usual_ones() {
        let rules = [
            rule(["xyz", "", "spring*", ""], Channel::Display),
            rule(["XYZ", "", "", ""], Channel::PaidSocial),
            rule(["", "", "", "www.partner.example"], Channel::Affiliates),
        ];
        let of = |address: &str, referrer| channel_of(&rules, &touch(address, referrer));
        assert_eq!(of("/?utm_source=xyz&utm_campaign=spring-26", None), Channel::Display);
        assert_eq!(of("/?utm_source=Xyz", None), Channel::PaidSocial);
        assert_eq!(of("/", Some("https://blog.partner.example/a")), Channel::Affiliates);
        assert_eq!(of("/", Some("https://notpartner.example/a")), Channel::Referral);
        assert_eq!(of("/", None), Channel::Direct);
    }

    #[test]
    fn a_star_stands_for_any_letters() {
        for (pattern, text, wanted) in [
            ("news*", "newsletter", true),
            ("*letter", "newsletter", true),
            ("n*l*r", "newsletter", true),
            ("n*z*r", "newsletter", false),
            ("ab*ba", "aba", false),
            ("**", "x", true),
            ("news", "newsletter", false),
        ] {
            assert_eq!(fits(pattern, Some(text)), wanted, "{pattern} {text}");
        }
        assert!(!fits("a", None) && fits("", None));
    }

    #[test]
    fn a_rule_for_everything_is_refused() {
        for patterns in [["", "", "", ""], ["*", "", "**", " "]] {
            let refused = Rule::parse(ChannelRuleId(1), patterns, "direct").unwrap_err();
            assert_eq!(refused.code, "rule_empty");
        }
        assert!(Rule::parse(ChannelRuleId(1), ["a", "", "", ""], "nonsense").is_err());
    }
}
