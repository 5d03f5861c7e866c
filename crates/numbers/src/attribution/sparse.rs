//! State reduction ([`super::reduction`]) for chains of many states that lead to few others each.
//!
//! The state through which the fewest ways lead is taken out first (Markowitz 1957, *The
//! Elimination Form of the Inverse*, Management Science 3(3)), so that few new steps come up: in a
//! chain of high order most states have one way in and one way out.

use std::collections::{BTreeMap, BTreeSet};

use super::chain::{Chain, State};

/// Steps that may be there at once: some megabytes, and a second or two of work. Beyond, the chain
/// is given up.
const STEPS_MAX: usize = 150_000;

/// What is collected in two columns: conversions and value.
pub(super) type Pair = [f64; 2];

#[derive(Default)]
struct Node {
    /// The steps to other states that are still there.
    next: BTreeMap<usize, f64>,
    /// The states that are still there and have a step to this one.
    before: BTreeSet<usize>,
    end: f64,
    sum: Pair,
}

impl Node {
    /// How many ways lead through it.
    fn ways(&self) -> usize {
        self.next.len().saturating_mul(self.before.len())
    }
}

/// The solution of x = Qx + source over the states for which `given` has nothing; the others are as
/// given. Nothing where it would take too long.
pub(super) fn collected(
    chain: &Chain,
    source: impl Fn(&State) -> Pair,
    given: impl Fn(usize, &State) -> Option<Pair>,
) -> Option<Vec<Pair>> {
    let given: Vec<Option<Pair>> =
        chain.states.iter().enumerate().map(|(place, state)| given(place, state)).collect();
    let mut nodes = nodes(chain, source, &given);
    let mut queue: BTreeSet<(usize, usize)> = nodes
        .iter()
        .enumerate()
        .filter(|(place, _)| given.get(*place).is_some_and(Option::is_none))
        .map(|(place, node)| (node.ways(), place))
        .collect();
    let mut steps: usize = nodes.iter().map(|node| node.next.len()).sum();
    let mut taken: Vec<(usize, Node)> = Vec::with_capacity(queue.len());
    while let Some((_, place)) = queue.pop_first() {
        let node = nodes.get_mut(place).map(std::mem::take)?;
        let touched: BTreeSet<usize> =
            node.before.iter().chain(node.next.keys()).copied().collect();
        for other in &touched {
            let node = nodes.get(*other)?;
            queue.remove(&(node.ways(), *other));
            steps = steps.saturating_sub(node.next.len());
        }
        take_out(&mut nodes, place, &node);
        for other in &touched {
            let node = nodes.get(*other)?;
            queue.insert((node.ways(), *other));
            steps = steps.saturating_add(node.next.len());
        }
        if steps > STEPS_MAX {
            return None;
        }
        taken.push((place, node));
    }
    let mut solution: Vec<Pair> =
        given.into_iter().map(|given| given.unwrap_or_default()).collect();
    for (place, node) in taken.into_iter().rev() {
        let leaves = leaves(&node);
        let mut right = node.sum;
        for (to, probability) in &node.next {
            right = plus(right, *probability, solution.get(*to).copied().unwrap_or_default());
        }
        if let Some(x) = solution.get_mut(place).filter(|_| leaves > 0.0) {
            *x = right.map(|right| right / leaves);
        }
    }
    Some(solution)
}

/// The states with their steps both ways; a step to a given state is an end that brings what is
/// given.
fn nodes(chain: &Chain, source: impl Fn(&State) -> Pair, given: &[Option<Pair>]) -> Vec<Node> {
    let mut nodes: Vec<Node> = chain
        .states
        .iter()
        .zip(given)
        .map(|(state, own)| {
            let mut node = Node { end: state.end, sum: source(state), ..Node::default() };
            for (to, probability) in state.next.iter().filter(|_| own.is_none()) {
                match given.get(*to).copied().flatten() {
                    Some(known) => {
                        node.end += probability;
                        node.sum = plus(node.sum, *probability, known);
                    }
                    None => drop(node.next.insert(*to, *probability)),
                }
            }
            node
        })
        .collect();
    let steps: Vec<(usize, usize)> = nodes
        .iter()
        .enumerate()
        .flat_map(|(from, node)| node.next.keys().map(move |to| (from, *to)))
        .collect();
    for (from, to) in steps {
        if let Some(node) = nodes.get_mut(to) {
            node.before.insert(from);
        }
    }
    nodes
}

/// Hands on what went through the state at `place`, which is `out`, to those around it.
fn take_out(nodes: &mut [Node], place: usize, out: &Node) {
    let leaves = leaves(out);
    for to in out.next.keys() {
        if let Some(node) = nodes.get_mut(*to) {
            node.before.remove(&place);
        }
    }
    for from in &out.before {
        let Some(node) = nodes.get_mut(*from) else { continue };
        let Some(came) = node.next.remove(&place) else { continue };
        if leaves <= 0.0 {
            continue; // nothing leaves it, so nothing comes of it either
        }
        let part = came / leaves;
        node.end += part * out.end;
        node.sum = plus(node.sum, part, out.sum);
        // A way back to where it came from is a stay, and stays change nothing.
        for (to, probability) in out.next.iter().filter(|(to, _)| *to != from) {
            *node.next.entry(*to).or_default() += part * probability;
        }
        for to in out.next.keys().filter(|to| *to != from) {
            if let Some(node) = nodes.get_mut(*to) {
                node.before.insert(*from);
            }
        }
    }
}

/// The probability to go anywhere else: a sum, where a difference would lose digits.
fn leaves(node: &Node) -> f64 {
    node.end + node.next.values().sum::<f64>()
}

fn plus(sum: Pair, part: f64, more: Pair) -> Pair {
    let [conversions, value] = sum;
    let [more_conversions, more_value] = more;
    [part.mul_add(more_conversions, conversions), part.mul_add(more_value, value)]
}
