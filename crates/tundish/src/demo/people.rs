//! Who visits the sample shop: names, where they come from, and the dice they live by.

use engine::Rng;
use model::UtcMs;
use model::sources::{Touch, Utm};
use model::views::Origin;

const FIRST: &[&str] = &[
    "Ada", "Ben", "Carla", "Dinesh", "Elif", "Femi", "Greta", "Hana", "Ivo", "Jun", "Karim",
    "Lena", "Mateo", "Nadia", "Omar", "Priya", "Quentin", "Rosa", "Sven", "Tara", "Uma", "Victor",
    "Wanda", "Ximena", "Yusuf", "Zoe", "Alma", "Bruno", "Chloe", "Dario", "Esther", "Finn",
    "Gloria", "Hugo", "Irene", "Jonas", "Kira", "Louis", "Mina", "Nils",
];
const LAST: &[&str] = &[
    "Abebe", "Baker", "Costa", "Dahl", "Evans", "Fischer", "Garcia", "Haas", "Ito", "Jansen",
    "Khan", "Lopez", "Meyer", "Novak", "Okafor", "Patel", "Quinn", "Rossi", "Silva", "Tanaka",
    "Ueda", "Varga", "Weber", "Xu", "Young", "Zimmer",
];
const COUNTRIES: &[&str] = &["US", "US", "US", "US", "GB", "DE", "FR", "CA"];

/// A way to the shop: weight, `utm_source`, `utm_medium`, `utm_campaign`, referrer.
#[derive(Debug, Clone, Copy)]
pub struct Way {
    weight: u64,
    source: &'static str,
    medium: &'static str,
    campaign: &'static str,
    referrer: &'static str,
    /// Landing page.
    pub landing: &'static str,
}

const fn way(weight: u64, utm: [&'static str; 3], from: &'static str, to: &'static str) -> Way {
    let [source, medium, campaign] = utm;
    Way { weight, source, medium, campaign, referrer: from, landing: to }
}

/// Every way, with how many of a hundred take it.
pub const WAYS: &[Way] = &[
    way(34, ["facebook", "cpc", "first-loaf"], "", "/"),
    way(14, ["google", "cpc", "bread-book"], "", "/"),
    way(10, ["instagram", "social", "bio"], "", "/"),
    way(16, ["", "", ""], "www.google.com", "/a/why-your-dough-sticks"),
    way(10, ["", "", ""], "breadforum.example", "/a/bread-without-an-oven"),
    way(5, ["flour-bag", "print", "hello10"], "", "/"),
    way(11, ["", "", ""], "", "/"),
];

/// The ways by which people come back who were here before.
pub const WAYS_BACK: &[Way] = &[
    way(38, ["", "", ""], "", "/"),
    way(20, ["", "", ""], "www.google.com", "/p/weekday-bread"),
    way(18, ["facebook", "cpc", "come-back"], "", "/p/weekday-bread"),
    way(8, ["google", "cpc", "our-name"], "", "/p/sourdough-course"),
    way(8, ["instagram", "social", "story"], "", "/"),
    way(5, ["", "", ""], "chatgpt.com", "/p/weekday-bread"),
    way(3, ["", "", ""], "breadforum.example", "/a/bread-without-an-oven"),
];

impl Way {
    /// How someone came by it, at `at`.
    pub fn touch(self, at: UtcMs) -> Touch {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let utm = Utm {
            source: given(self.source),
            medium: given(self.medium),
            campaign: given(self.campaign),
            ..Utm::default()
        };
        let landing = self.landing.to_owned();
        Touch { at, utm, referrer: given(self.referrer), landing, code: None }
    }

    /// The same as page views are counted.
    pub fn origin(self) -> Origin {
        let (source, medium) = if self.referrer.is_empty() {
            (self.source, self.medium)
        } else {
            (self.referrer, "referral")
        };
        let campaign = self.campaign.to_owned();
        Origin { source: source.to_owned(), medium: medium.to_owned(), campaign }
    }
}

/// Someone.
#[derive(Debug, Clone)]
pub struct Person {
    /// First name.
    pub first: &'static str,
    /// Last name.
    pub last: &'static str,
    /// Address; `.example` reaches nobody.
    pub email: String,
    /// Country.
    pub country: &'static str,
    /// How they came.
    pub way: Way,
    /// `code.sig` of who recommended the shop to them.
    pub referral: String,
}

impl Person {
    /// Their whole name.
    pub fn name(&self) -> String {
        format!("{} {}", self.first, self.last)
    }

    /// What tells their browser from another; every fourth asks that nothing does.
    pub fn browser(&self) -> Option<String> {
        (!self.email.len().is_multiple_of(4)).then(|| format!("browser of {}", self.email))
    }
}

/// Dice that fall the same way from the same seed.
#[derive(Debug)]
pub struct Dice(Rng);

impl Dice {
    /// Dice of a seed.
    pub fn new(seed: u64) -> Self {
        Self(Rng::seeded(seed))
    }

    /// Whether something that happens `percent` times in a hundred happens.
    pub fn chance(&self, percent: u64) -> bool {
        self.0.below(100) < percent
    }

    /// A number from `from` to `to`, both included.
    pub fn between(&self, from: i64, to: i64) -> i64 {
        let span = u64::try_from(to.saturating_sub(from).saturating_add(1)).unwrap_or(1);
        from.saturating_add(i64::try_from(self.0.below(span)).unwrap_or(0))
    }

    /// One of them.
    pub fn pick<T: Copy>(&self, from: &[T]) -> Option<T> {
        let count = u64::try_from(from.len()).unwrap_or(0);
        from.get(usize::try_from(self.0.below(count)).unwrap_or(0)).copied()
    }

    /// A way to the shop, by its weight.
    pub fn way(&self) -> Way {
        self.one_of(WAYS)
    }

    /// A way back to it, by its weight.
    pub fn way_back(&self) -> Way {
        self.one_of(WAYS_BACK)
    }

    fn one_of(&self, ways: &[Way]) -> Way {
        let mut left = self.0.below(ways.iter().map(|way| way.weight).sum());
        for way in ways {
            if left < way.weight {
                return *way;
            }
            left -= way.weight;
        }
        way(1, ["", "", ""], "", "/")
    }

    /// The `number`th person.
    pub fn person(&self, number: usize) -> Person {
        let first = self.pick(FIRST).unwrap_or("Ada");
        let last = self.pick(LAST).unwrap_or("Baker");
        let domain = self.pick(&["mail.example", "post.example", "inbox.example"]);
        let domain = domain.unwrap_or("mail.example");
        let local = format!("{}.{}{number}", first.to_lowercase(), last.to_lowercase());
        Person {
            first,
            last,
            email: format!("{local}@{domain}"),
            country: self.pick(COUNTRIES).unwrap_or("US"),
            way: self.way(),
            referral: String::new(),
        }
    }

    /// 32 bytes for a token.
    pub fn secret(&self) -> [u8; 32] {
        self.0.bytes()
    }
}
