//! A function's value with its first and second derivatives, and the logarithm of a sum of such.
//!
//! Every model here is a sum over when a customer may have left: the likelihood is Σ exp(l_k), and
//! each l_k is easy. The derivatives of ln Σ exp(l_k) follow from those of the parts (Louis 1982,
//! *Finding the Observed Information Matrix when Using the EM Algorithm*, JRSS B 44(2)): with
//! w_k = exp(l_k) / Σ, g = Σ w_k g_k and H = Σ w_k (H_k + g_k g_kᵀ) − g gᵀ. So Newton's method has
//! exact derivatives, and none is ever taken of ₂F₁.

use super::newton::Point;

/// How many parameters the models with dropout have.
pub(super) const SIZE: usize = 4;

/// A function of two parameters, by their logarithms.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Block {
    /// The value.
    pub value: f64,
    /// By the first and by the second.
    pub first: [f64; 2],
    /// First twice, both, second twice.
    pub second: [f64; 3],
}

/// A function of four parameters, by their logarithms.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Jet {
    /// The value.
    pub value: f64,
    /// The gradient.
    pub first: [f64; SIZE],
    /// The matrix of second derivatives.
    pub second: [[f64; SIZE]; SIZE],
}

impl Jet {
    /// The sum of two functions that share no parameter.
    #[inline]
    pub fn of(left: &Block, right: &Block) -> Self {
        let [a, b] = left.first;
        let [c, d] = right.first;
        let [aa, ab, bb] = left.second;
        let [cc, cd, dd] = right.second;
        Self {
            value: left.value + right.value,
            first: [a, b, c, d],
            second: [
                [aa, ab, 0.0, 0.0],
                [ab, bb, 0.0, 0.0],
                [0.0, 0.0, cc, cd],
                [0.0, 0.0, cd, dd],
            ],
        }
    }

    /// As a function of the first two parameters alone.
    pub fn of_first_two(&self) -> Point {
        let two = |row: &[f64; SIZE]| row.iter().take(2).copied().collect();
        Point {
            value: self.value,
            gradient: two(&self.first),
            hessian: self.second.iter().take(2).map(two).collect(),
        }
    }

    /// ln(exp(l₁) + exp(l₂)): a [`Mixture`] of two, several times as fast. With w the weight of the
    /// second and d the difference of the gradients, g = g₁ + w d and
    /// H = H₁ + w (H₂ − H₁) + w (1 − w) d dᵀ.
    #[inline]
    pub fn either(mut self, other: &Self) -> Self {
        let apart = other.value - self.value;
        let (top, below) = (self.value.max(other.value), (-apart.abs()).exp());
        let lesser = below / (1.0 + below);
        let weight = if apart > 0.0 { 1.0 - lesser } else { lesser };
        // Not ln_1p, which is slower: what it would save is below the rounding of the sum.
        self.value = top + (1.0 + below).ln();
        let mut gap = other.first;
        for (gap, slope) in gap.iter_mut().zip(&mut self.first) {
            *gap -= *slope;
            *slope += weight * *gap;
        }
        let spread = weight * (1.0 - weight);
        for ((curves, others), row) in self.second.iter_mut().zip(&other.second).zip(&gap) {
            let row = spread * row;
            for ((curve, other), column) in curves.iter_mut().zip(others).zip(&gap) {
                *curve += weight * (other - *curve) + row * column;
            }
        }
        self
    }

    /// Adds `other` times `weight`.
    #[inline]
    pub fn add(&mut self, weight: f64, other: &Self) {
        self.value += weight * other.value;
        for (sum, part) in self.first.iter_mut().zip(&other.first) {
            *sum += weight * part;
        }
        for (sums, parts) in self.second.iter_mut().zip(&other.second) {
            for (sum, part) in sums.iter_mut().zip(parts) {
                *sum += weight * part;
            }
        }
    }
}

impl From<Jet> for Point {
    fn from(jet: Jet) -> Self {
        Self {
            value: jet.value,
            gradient: jet.first.to_vec(),
            hessian: jet.second.iter().map(|row| row.to_vec()).collect(),
        }
    }
}

/// Σ exp(l_k), kept so that it neither overflows nor underflows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mixture {
    top: f64,
    mass: f64,
    first: [f64; SIZE],
    second: [[f64; SIZE]; SIZE],
}

impl Mixture {
    /// No part yet.
    pub fn empty() -> Self {
        Self { top: f64::NEG_INFINITY, mass: 0.0, first: [0.0; SIZE], second: [[0.0; SIZE]; SIZE] }
    }

    /// Adds a part.
    #[inline]
    pub fn add(&mut self, part: &Jet) {
        if part.value > self.top {
            self.shrink((self.top - part.value).exp());
            self.top = part.value;
        }
        let weight = (part.value - self.top).exp();
        self.mass += weight;
        for (sum, score) in self.first.iter_mut().zip(&part.first) {
            *sum += weight * score;
        }
        let rows = self.second.iter_mut().zip(&part.second).zip(&part.first);
        for ((sums, curves), row) in rows {
            for ((sum, curve), column) in sums.iter_mut().zip(curves).zip(&part.first) {
                *sum += weight * (curve + row * column);
            }
        }
    }

    fn shrink(&mut self, by: f64) {
        self.mass *= by;
        self.first.iter_mut().for_each(|sum| *sum *= by);
        self.second.iter_mut().flatten().for_each(|sum| *sum *= by);
    }

    /// The logarithm of the sum.
    pub fn ln(&self) -> Jet {
        let first = self.first.map(|sum| sum / self.mass);
        let mut second = self.second;
        for (sums, row) in second.iter_mut().zip(&first) {
            for (sum, column) in sums.iter_mut().zip(&first) {
                *sum = *sum / self.mass - row * column;
            }
        }
        Jet { value: self.top + self.mass.ln(), first, second }
    }
}
