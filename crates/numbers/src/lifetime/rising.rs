//! Rising factorials z (z+1) … (z+n−1) = Γ(z+n)/Γ(z), and the two building blocks made of them.
//!
//! Counts are whole, so every Gamma function of the models of purchases comes as such a ratio, and
//! a sum of logarithms is exact where a difference of lnΓ cancels (z large) or overflows.

use super::jet::Block;

/// ln of a rising factorial and, negated where needed, its derivatives: Σ ln(z+i), Σ 1/(z+i) =
/// ψ(z+n) − ψ(z), Σ 1/(z+i)² = ψ′(z) − ψ′(z+n).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Rise {
    /// Σ ln(z+i).
    pub ln: f64,
    /// Σ 1/(z+i).
    pub inverse: f64,
    /// Σ 1/(z+i)².
    pub square: f64,
}

impl Rise {
    /// Of `n` factors from `z`.
    pub fn of(z: f64, n: u32) -> Self {
        (0..n).fold(Self::default(), |so_far, i| so_far.then(z + f64::from(i)))
    }

    fn then(self, factor: f64) -> Self {
        let inverse = factor.recip();
        Self {
            ln: self.ln + factor.ln(),
            inverse: self.inverse + inverse,
            square: inverse.mul_add(inverse, self.square),
        }
    }
}

/// All rising factorials of one `z` up to some number of factors.
#[derive(Debug, Clone)]
pub(super) struct Rises(Vec<Rise>);

impl Rises {
    /// Up to and with `most` factors.
    pub fn new(z: f64, most: u32) -> Self {
        let mut rise = Rise::default();
        let mut rises = vec![rise];
        for i in 0..most {
            rise = rise.then(z + f64::from(i));
            rises.push(rise);
        }
        Self(rises)
    }

    /// Of `n` factors; `n` may not be above the number the table was made for.
    #[inline]
    pub fn at(&self, n: u32) -> Rise {
        usize::try_from(n).ok().and_then(|n| self.0.get(n)).copied().unwrap_or_default()
    }
}

/// What a Gamma block needs of a span of time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Span {
    /// ln(1 + t/rate).
    pub ln: f64,
    /// rate/(rate+t).
    pub before: f64,
    /// t/(rate+t).
    pub after: f64,
}

impl Span {
    /// Of time `t` against `rate`.
    #[inline]
    pub fn of(t: f64, rate: f64) -> Self {
        let (share, sum) = (t / rate, (rate + t).recip());
        // Where 1 loses nothing the plain logarithm is as good, and faster.
        let ln = if share > 0.5 { (1.0 + share).ln() } else { share.ln_1p() };
        Self { ln, before: rate * sum, after: t * sum }
    }
}

/// ln[Γ(r+x)/Γ(r) · αʳ/(α+t)^(r+x)]: `x` events in time `t` at a rate that is Gamma(r, α), whose
/// times are known; by ln r and ln α. `rise` is that of r by x factors.
#[inline]
pub(super) fn gamma_block(shape: f64, rate: f64, events: u32, rise: Rise, span: Span) -> Block {
    let x = f64::from(events);
    let slope = shape * (rise.inverse - span.ln);
    let both = shape + x;
    // Where there are no events, ln α of a huge α must not come in as 0 · ∞.
    let scale = if events == 0 { 0.0 } else { x * rate.ln() };
    Block {
        value: rise.ln - scale - both * span.ln,
        first: [slope, shape * span.after - x * span.before],
        second: [
            slope - shape * shape * rise.square,
            shape * span.after,
            -both * span.before * span.after,
        ],
    }
}

/// ln[B(a+i, b+j)/B(a, b)]: `i` and `j` outcomes of a coin that is Beta(a, b), in known order; by
/// ln a and ln b. The rises are of a by i, of b by j and of a+b by i+j factors.
#[inline]
pub(super) fn beta_block(a: f64, b: f64, of_a: Rise, of_b: Rise, of_both: Rise) -> Block {
    let left = a * (of_a.inverse - of_both.inverse);
    let right = b * (of_b.inverse - of_both.inverse);
    Block {
        value: of_a.ln + of_b.ln - of_both.ln,
        first: [left, right],
        second: [
            left + a * a * (of_both.square - of_a.square),
            a * b * of_both.square,
            right + b * b * (of_both.square - of_b.square),
        ],
    }
}
