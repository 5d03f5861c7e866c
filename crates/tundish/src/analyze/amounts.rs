//! Amounts as files write them: with signs and words of currencies, separators of thousands,
//! brackets for what is owed.

mod marks;
pub mod words;

pub use marks::Marks;

/// Which mark stands before the fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Decimal {
    /// `1,234.56`
    #[default]
    Point,
    /// `1.234,56`
    Comma,
}

impl Decimal {
    /// By its word, `point` or `comma`.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "point" => Some(Self::Point),
            "comma" => Some(Self::Comma),
            _ => None,
        }
    }

    fn of(mark: char) -> Self {
        if mark == ',' { Self::Comma } else { Self::Point }
    }

    fn mark(self) -> char {
        match self {
            Self::Point => '.',
            Self::Comma => ',',
        }
    }
}

/// More than this is no amount of money, and no figure could be trusted beside it.
const LARGEST: f64 = 1e12;

/// Reads a cell; `None` where it holds no number or more than one, or one beyond all use. What a
/// cell says by itself goes before what the column does: `19,90` is no thousands anywhere.
pub fn parse(text: &str, decimal: Decimal) -> Option<f64> {
    let plain = text.trim();
    // Most cells of most files.
    if decimal == Decimal::Point
        && let Ok(number) = plain.parse::<f64>()
    {
        return (number.abs() <= LARGEST).then_some(number);
    }
    if let Some(number) = scientific(plain) {
        return (number.abs() <= LARGEST).then_some(number);
    }
    let bare = Bare::of(plain)?;
    let number: f64 = unmarked(&bare.digits, decimal)?.parse().ok()?;
    (number <= LARGEST).then_some(if bare.is_minus { -number } else { number })
}

/// Reads a cell that is to be a number with nothing in words: `Room 5` is none.
pub fn number(text: &str, decimal: Decimal) -> Option<f64> {
    let has_word = || text.chars().any(|c| c.is_alphabetic() || matches!(c, '/' | ':'));
    if scientific(text.trim()).is_none() && has_word() { None } else { parse(text, decimal) }
}

/// `1.5e3`, or `1,5E+03` as spreadsheets of some countries have it: its one mark is the fraction's.
fn scientific(text: &str) -> Option<f64> {
    let (front, exponent) = text.split_once(['e', 'E'])?;
    let is_mark = |c: char| matches!(c, '.' | ',');
    let is_figure =
        front.chars().all(|c| c.is_ascii_digit() || is_mark(c) || matches!(c, '+' | '-'));
    if !is_figure || front.matches(is_mark).count() > 1 || exponent.parse::<i32>().is_err() {
        return None;
    }
    format!("{}e{exponent}", front.replace(',', ".")).parse().ok()
}

/// The digits of a cell and the marks between them, with what stood around them taken off.
struct Bare {
    digits: String,
    is_minus: bool,
}

impl Bare {
    fn of(text: &str) -> Option<Self> {
        // ="19.00": how a spreadsheet is made to keep text.
        let text = text.trim_matches(['=', '"']);
        let first = text.find(|c: char| c.is_ascii_digit())?;
        let last = text.rfind(|c: char| c.is_ascii_digit())?;
        let (head, core) = (text.get(..first)?, text.get(first..=last)?);
        if !words::are_known(head) || !words::are_known(text.get(last + 1..)?) {
            return None;
        }
        let mut digits = String::with_capacity(core.len() + 1);
        // `.50`, but not the dot of `Rs.50`.
        let leads = head.strip_suffix(['.', ',']).filter(|before| !ends_in_word(before));
        let head = match leads {
            Some(before) => {
                digits.push_str(head.get(before.len()..)?);
                before
            }
            None => head,
        };
        for c in core.chars() {
            digits.push(match c {
                '0'..='9' | '.' | ',' => c,
                c if c.is_whitespace() || matches!(c, '\'' | '’') => ' ',
                // A second number behind a word, as in `2 x 19.00`.
                _ => return None,
            });
        }
        let tail = Tail::of(text.get(last + 1..)?)?;
        digits.extend(tail.bare_mark);
        let (before, depth) = around(head)?;
        let is_owed = depth > 0;
        if depth + tail.depth != 0 || before + usize::from(tail.is_minus) > 1 {
            return None;
        }
        Some(Self { digits, is_minus: is_owed || before > 0 || tail.is_minus })
    }
}

/// What stands behind the last digit.
struct Tail {
    /// The mark of `49.-`, which stands for no parts.
    bare_mark: Option<char>,
    is_minus: bool,
    depth: i32,
}

impl Tail {
    fn of(text: &str) -> Option<Self> {
        let (_, depth) = around(text)?;
        let rest = text.strip_prefix(['.', ',']);
        let bare_mark = rest.filter(|rest| rest.starts_with(is_dash)).and(text.chars().next());
        // A dash with words behind it is a hyphen: `19.00 - monthly`.
        let alone = |c: &char| !c.is_whitespace() && !is_money(*c) && *c != ')';
        let mut others = text.chars().filter(alone);
        let is_alone = others.next().is_some_and(is_dash) && others.next().is_none();
        let is_minus = bare_mark.is_none() && (text.starts_with(is_dash) || is_alone);
        Some(Self { bare_mark, is_minus, depth })
    }
}

/// How many dashes and how many open brackets stand in what is around the digits; nothing where it
/// holds what belongs to no amount.
fn around(text: &str) -> Option<(usize, i32)> {
    let (mut dashes, mut depth) = (0, 0);
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            c if is_dash(c) => dashes += 1,
            '.' | ',' | '/' | ':' | '+' | '\'' | '’' => {}
            c if c.is_alphabetic() || c.is_whitespace() || is_money(c) || is_unseen(c) => {}
            _ => return None,
        }
    }
    Some((dashes, depth))
}

fn ends_in_word(text: &str) -> bool {
    text.ends_with(|c: char| c.is_alphabetic() || c == '/')
}

fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2014}' | '\u{2212}' | '\u{ff0d}')
}

/// Signs of currencies.
fn is_money(c: char) -> bool {
    matches!(
        c,
        '$' | '£' | '¤' | '¥' | '\u{20a0}'..='\u{20cf}' | '฿' | '৳' | '﷼' | '＄' | '￡' | '￥'
    )
}

/// Marks that only say in which direction to write.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// What the marks between the digits of one cell can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// There are none that could be a fraction's.
    Whole,
    /// The one at this place stands before the fraction.
    Fraction(usize),
    /// This one stands between thousands.
    Thousands(char),
    /// The one at this place, before three digits: of thousands, or of the fraction.
    Either(usize, char),
}

impl Shape {
    fn of(digits: &str) -> Option<Self> {
        let count = |mark: char| digits.matches(mark).count();
        let (mark, at) = match (digits.rfind('.'), digits.rfind(',')) {
            (None, None) => return Some(Self::Whole),
            (Some(point), Some(comma)) => {
                let at = point.max(comma);
                let mark = if at == point { '.' } else { ',' };
                return (count(mark) == 1).then_some(Self::Fraction(at));
            }
            (Some(point), None) => ('.', point),
            (None, Some(comma)) => (',', comma),
        };
        if count(mark) > 1 {
            return Some(Self::Thousands(mark));
        }
        let (before, behind) = (digits.get(..at)?, digits.get(at + 1..)?);
        let is_fraction = behind.len() != 3
            || before.len() > 3
            || before.is_empty()
            || before.starts_with('0')
            || before.contains(' ');
        Some(if is_fraction { Self::Fraction(at) } else { Self::Either(at, mark) })
    }
}

/// The digits with a point before the fraction and no other mark.
fn unmarked(digits: &str, decimal: Decimal) -> Option<String> {
    let at = match Shape::of(digits)? {
        Shape::Fraction(at) => Some(at),
        Shape::Either(at, mark) => (mark == decimal.mark()).then_some(at),
        Shape::Whole | Shape::Thousands(_) => None,
    };
    let (whole, fraction) = match at {
        Some(at) => (digits.get(..at)?, digits.get(at + 1..)?),
        None => (digits, ""),
    };
    if !fraction.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    let mut plain = thousands(whole)?;
    if !fraction.is_empty() {
        plain.push('.');
        plain.push_str(fraction);
    }
    Some(plain)
}

/// Digits in groups of three, or as in India the last of three and those before it of two, without
/// what stands between them.
fn thousands(whole: &str) -> Option<String> {
    let groups: Vec<&str> = whole.split(['.', ',', ' ']).collect();
    let is_grouped = match groups.as_slice() {
        [_] | [] => true,
        [first, between @ .., last] => {
            (1..=3).contains(&first.len())
                && !first.starts_with('0')
                && between.iter().all(|group| (2..=3).contains(&group.len()))
                && last.len() == 3
        }
    };
    is_grouped.then(|| groups.concat())
}

#[cfg(test)]
mod tests;
