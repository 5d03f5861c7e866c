//! A funnel as a file says it, line by line, and as `--set` changes it.

use std::collections::BTreeMap;

use engine::files::tables::plain;
use model::Currency;
use numbers::economics::funnel::{Amount, Funnel, Rate, Returned, Sale, Step};
use numbers::real::nearest;
use toml::de::{DeTable, DeValue};

/// What can be said of the whole.
const KEYS: [&str; 4] = ["currency", "visitors", "cost_per_visitor", "fixed_cost"];
/// And of a step.
const STEP_KEYS: [&str; 17] = [
    "name",
    "of",
    "rate",
    "seen",
    "out_of",
    "rate_low",
    "rate_high",
    "price",
    "price_spread",
    "price_seen",
    "refund_share",
    "refunded",
    "refunded_of",
    "cost",
    "fee_percent",
    "fee",
    "day",
];
/// Keys that say the same in several ways: what is set takes the place of what the others said.
const INSTEAD: [&[&[&str]]; 2] = [
    &[&["rate"], &["seen", "out_of"], &["rate_low", "rate_high"]],
    &[&["refund_share"], &["refunded", "refunded_of"]],
];

/// A value and where it stands, for sentences.
type Said = (String, String);

/// What a file says, as text.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    whole: BTreeMap<String, Said>,
    steps: Vec<BTreeMap<String, Said>>,
}

impl Inputs {
    /// Reads a file called `name`.
    ///
    /// # Errors
    /// It is no TOML, or says what is not known here: one sentence with the line.
    pub fn read(text: &str, name: &str) -> Result<Self, String> {
        let line = |at: usize| {
            text.bytes().take(at).filter(|octet| *octet == b'\n').count().saturating_add(1)
        };
        let document = DeTable::parse(text).map_err(|why| {
            let at = why.span().map_or(0, |span| span.start);
            format!("{name} is not TOML: {} (line {})", why.message(), line(at))
        })?;
        let mut inputs = Self::default();
        for (key, value) in document.get_ref() {
            let place = format!("{name}, line {}", line(key.span().start));
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("step", DeValue::Array(steps)) => {
                    for step in steps.iter() {
                        let place = format!("{name}, line {}", line(step.span().start));
                        let table = step.get_ref().as_table();
                        let table =
                            table.ok_or_else(|| format!("{place}: write a step as [[step]]"))?;
                        let mut said = BTreeMap::new();
                        for (key, value) in table {
                            let place = format!("{name}, line {}", line(key.span().start));
                            let text = scalar(value.get_ref(), key.get_ref(), &place)?;
                            known(key.get_ref(), &STEP_KEYS, &place)?;
                            said.insert(key.get_ref().to_string(), (text, place));
                        }
                        inputs.steps.push(said);
                    }
                }
                ("step", _) => return Err(format!("{place}: write a step as [[step]]")),
                (key, value) => {
                    known(key, &KEYS, &place)?;
                    inputs.whole.insert(key.to_owned(), (scalar(value, key, &place)?, place));
                }
            }
        }
        Ok(inputs)
    }

    /// Puts `key=value` in the place of what the file says: `visitors=8000`, `lead.rate=0.5`.
    ///
    /// # Errors
    /// There is no such key or step.
    pub fn set(&mut self, pair: &str) -> Result<(), String> {
        let place = format!("--set {pair:?}");
        let (key, value) = pair.split_once('=').ok_or_else(|| {
            format!("{place}: write what is set, then its value, as in visitors=8000")
        })?;
        let (key, value) = (key.trim(), value.trim().to_owned());
        let Some((step, key)) = key.rsplit_once('.') else {
            known(key, &KEYS, &place)?;
            self.whole.insert(key.to_owned(), (value, place));
            return Ok(());
        };
        known(key, &STEP_KEYS, &place)?;
        let names: Vec<String> = self.steps.iter().map(name_of).collect();
        let at = names.iter().position(|name| plain(name) == plain(step)).ok_or_else(|| {
            let near = model::spelling::nearest(step, names.iter().map(String::as_str));
            let hint = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
            format!("{place}: there is no step {step:?}{hint} (there are {})", names.join(", "))
        })?;
        let Some(said) = self.steps.get_mut(at) else { return Ok(()) };
        for ways in INSTEAD {
            if ways.iter().any(|way| way.contains(&key)) {
                let others = ways.iter().filter(|way| !way.contains(&key));
                others.flat_map(|way| way.iter()).for_each(|other| drop(said.remove(*other)));
            }
        }
        said.insert(key.to_owned(), (value, place));
        Ok(())
    }

    /// The currency; `USD` where nothing is said.
    pub fn currency(&self) -> String {
        self.whole.get("currency").map_or_else(|| "USD".to_owned(), |(text, _)| text.clone())
    }

    /// The funnel, amounts in whole units.
    ///
    /// # Errors
    /// Something is missing, no number, or said in two ways.
    pub fn funnel(&self) -> Result<Funnel, String> {
        let names: Vec<String> = self.steps.iter().map(name_of).collect();
        if names.is_empty() {
            return Err("there is no step: write at least one [[step]] with a price".to_owned());
        }
        self.has_one_of_each(&names)?;
        self.has_known_currency()?;
        let mut steps = Vec::with_capacity(names.len());
        for (at, said) in self.steps.iter().enumerate() {
            steps.push(step(at, said, &names)?);
        }
        let customers = steps.iter().position(|step| step.margin.is_some());
        Ok(Funnel {
            visitors: count(&self.whole, "visitors")?.ok_or("say how many visitors there are")?,
            cost_per_visitor: amount(&self.whole, "cost_per_visitor")?.unwrap_or(0.0),
            fixed_cost: amount(&self.whole, "fixed_cost")?.unwrap_or(0.0),
            steps,
            customers: customers.ok_or("no step has a price: nobody becomes a customer")?,
        })
    }

    /// Whether all steps have names of their own, for whatever names one means one.
    fn has_one_of_each(&self, names: &[String]) -> Result<(), String> {
        for (at, name) in names.iter().enumerate() {
            let earlier = names.get(..at).unwrap_or_default();
            if !name.trim().is_empty() && earlier.iter().any(|other| plain(other) == plain(name)) {
                let said = self.steps.get(at).and_then(|said| said.get("name"));
                let place = said.map_or("", |(_, place)| place);
                return Err(format!("{place}: two steps are called {name:?}: call one otherwise"));
            }
        }
        Ok(())
    }

    fn has_known_currency(&self) -> Result<(), String> {
        let Some((text, place)) = self.whole.get("currency") else { return Ok(()) };
        let read = Currency::parse(text);
        read.map(|_| ()).map_err(|why| format!("{place}: {text:?}: {}", why.message))
    }
}

/// A number that is not below zero.
fn amount(said: &BTreeMap<String, Said>, key: &str) -> Result<Option<f64>, String> {
    let read = number(said, key)?;
    let place = said.get(key).map_or("", |(_, place)| place);
    match read {
        Some(read) if read < 0.0 => Err(format!("{place}: {key} is zero or more, not {read}")),
        read => Ok(read),
    }
}

fn known(key: &str, keys: &[&str], place: &str) -> Result<(), String> {
    if keys.contains(&key) {
        return Ok(());
    }
    let hint = match model::spelling::nearest(key, keys.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("there are {}", keys.join(", ")),
    };
    Err(format!("{place}: there is no key {key:?}; {hint}"))
}

fn scalar(value: &DeValue<'_>, key: &str, place: &str) -> Result<String, String> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) => Ok(number.as_str().replace('_', "")),
        DeValue::Float(number) => Ok(number.as_str().replace('_', "")),
        _ => Err(format!("{place}: {key} is a text or a number")),
    }
}

fn name_of(said: &BTreeMap<String, Said>) -> String {
    said.get("name").map_or_else(String::new, |(name, _)| name.clone())
}

/// A number; `4 %` is 0.04.
fn number(said: &BTreeMap<String, Said>, key: &str) -> Result<Option<f64>, String> {
    let Some((text, place)) = said.get(key) else { return Ok(None) };
    let (plain, parts) = match text.trim().strip_suffix('%') {
        Some(percent) => (percent.trim(), 100.0),
        None => (text.trim(), 1.0),
    };
    let read = plain.parse::<f64>().ok().filter(|number| number.abs() <= 1e12);
    let read = read.ok_or_else(|| format!("{place}: {key} is a number, not {text:?}"))?;
    Ok(Some(read / parts))
}

fn count(said: &BTreeMap<String, Said>, key: &str) -> Result<Option<u64>, String> {
    let Some(read) = number(said, key)? else { return Ok(None) };
    let whole = nearest(read).filter(|_| read >= 0.0 && read.fract() == 0.0);
    let place = said.get(key).map_or("", |(_, place)| place);
    let whole = whole.and_then(|whole| u64::try_from(whole).ok());
    whole.map(Some).ok_or_else(|| format!("{place}: {key} is a whole number, not {read}"))
}

fn step(at: usize, said: &BTreeMap<String, Said>, names: &[String]) -> Result<Step, String> {
    let place = said.values().next().map_or("", |(_, place)| place);
    let name = name_of(said);
    if name.trim().is_empty() {
        return Err(format!("{place}: give the step a name"));
    }
    let of = match said.get("of") {
        None => at.checked_sub(1),
        Some((of, _)) if plain(of) == "visitors" => None,
        Some((of, place)) => {
            let earlier = names.get(..at).unwrap_or_default();
            let found = earlier.iter().position(|name| plain(name) == plain(of));
            Some(found.ok_or_else(|| {
                format!("{place}: {of:?} is no step above {name:?}, and not visitors")
            })?)
        }
    };
    let day = count(said, "day")?.unwrap_or(0);
    let day = u32::try_from(day).map_err(|_| format!("{name}: take fewer days"))?;
    Ok(Step { of, rate: rate(said, &name)?, margin: margin(said, &name)?, day, name })
}

fn rate(said: &BTreeMap<String, Said>, name: &str) -> Result<Rate, String> {
    let decided = number(said, "rate")?;
    let seen = (count(said, "seen")?, count(said, "out_of")?);
    let between = (number(said, "rate_low")?, number(said, "rate_high")?);
    let rate = match (decided, seen, between) {
        (Some(rate), (None, None), (None, None)) => {
            (0.0..=1.0).contains(&rate).then_some(Rate::Known(rate))
        }
        (None, (Some(count), Some(of)), (None, None)) => Rate::seen(count, of),
        (None, (None, None), (Some(low), Some(high))) => Rate::between(low, high),
        _ => None,
    };
    rate.ok_or_else(|| {
        format!(
            "{name}: say how likely it is in one way: rate, seen and out_of, or rate_low and \
             rate_high; rates from 0 to 1, and rate_low and rate_high between them, the lower one \
             first"
        )
    })
}

/// What a step leaves, where it is a sale.
fn margin(said: &BTreeMap<String, Said>, name: &str) -> Result<Option<Amount>, String> {
    let share = number(said, "refund_share")?;
    let counted = (count(said, "refunded")?, count(said, "refunded_of")?);
    let spread = amount(said, "price_spread")?;
    let seen = count(said, "price_seen")?;
    let cost = amount(said, "cost")?.unwrap_or(0.0) + amount(said, "fee")?.unwrap_or(0.0);
    let fee_share = amount(said, "fee_percent")?.unwrap_or(0.0) / 100.0;
    let Some(mean) = amount(said, "price")? else {
        let of_sales = ["price_spread", "price_seen", "refund_share", "refunded", "cost", "fee"];
        return match of_sales.iter().find(|key| said.contains_key(**key)) {
            Some(key) => Err(format!("{name}: {key} is said, but no price")),
            None => Ok(None),
        };
    };
    let returned = match (share, counted) {
        (Some(share), (None, None)) => Returned::Known(share),
        (None, (None, None)) => Returned::Known(0.0),
        (None, (Some(count), Some(of))) => Returned::Seen { count, of },
        _ => return Err(format!("{name}: say refund_share, or refunded and refunded_of")),
    };
    let variance = match (spread, seen) {
        (Some(spread), _) => Some(spread * spread),
        // Seen on some, and nobody says how they differ: not known, which is not nothing.
        (None, Some(_)) => None,
        (None, None) => Some(0.0),
    };
    let price = Amount { mean, variance, seen };
    let margin = Sale { price, returned, cost, fee_share }.margin();
    margin.map(Some).ok_or_else(|| format!("{name}: what is given back is a share from 0 to 1"))
}
