//! Roads: the paths of touches that ended in an order, and where the others ended.
//!
//! The same journeys three ways: as whole paths with what came of each, as flows from one touch to
//! the next, and as steps with how many went on, ordered or were lost there. Nothing is modelled,
//! these are counts; every sum over them is the sum over the journeys.

use std::collections::{BTreeMap, HashMap};

use crate::journeys::{Journeys, Outcomes};
use crate::real::ratio;

/// What to do with touches of one channel that follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Repeats {
    /// Each is a step.
    #[default]
    Kept,
    /// They are one step.
    Collapsed,
}

/// One path.
#[derive(Debug, Clone, PartialEq)]
pub struct Road {
    /// Its channels in order.
    pub path: Vec<String>,
    /// How often it was taken to an order.
    pub orders: f64,
    /// What these orders brought.
    pub value: f64,
    /// How often it was taken to none.
    pub lost: f64,
}

impl Road {
    /// Orders of all who took it, from 0 to 1; nothing where nobody did.
    pub fn rate(&self) -> Option<f64> {
        ratio(self.orders, self.orders + self.lost)
    }
}

/// One end of a flow.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Before the first touch.
    Start,
    /// A touch.
    Channel(String),
    /// All touches after those that are drawn one by one.
    Further,
    /// An order.
    Order,
    /// No order.
    Lost,
}

/// How many went from one place to another.
#[derive(Debug, Clone, PartialEq)]
pub struct Edge {
    /// After how many touches: 0 from the start to the first touch. Nothing in
    /// [`Roads::edges`], which takes all steps together.
    pub step: Option<usize>,
    /// From where.
    pub from: Place,
    /// To where.
    pub to: Place,
    /// How often; once for each time a journey passes here.
    pub journeys: f64,
    /// Of these, how often by journeys that ended in an order.
    pub orders: f64,
    /// What those orders brought in all.
    pub value: f64,
}

/// What became of journeys at one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Which touch; the first is 1.
    pub touch: usize,
    /// Journeys that came so far.
    pub reached: f64,
    /// Those that ordered after this touch.
    pub ordered: f64,
    /// What these orders brought.
    pub value: f64,
    /// Those that ended here without an order.
    pub lost: f64,
}

impl Step {
    /// Those that went on to another touch.
    pub fn went_on(&self) -> f64 {
        (self.reached - self.ordered - self.lost).max(0.0)
    }

    /// The share that was lost here; nothing where nobody came.
    pub fn drop_off(&self) -> Option<f64> {
        ratio(self.lost, self.reached)
    }
}

/// The roads of a collection of journeys.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Roads {
    /// The paths that ended in an order, the most orders first; then by value, then by name.
    pub paths: Vec<Road>,
    /// The paths beyond the number asked for, taken together; nothing where there are none.
    pub other: Option<Outcomes>,
    /// From channel to channel, all steps together: the most journeys first.
    pub edges: Vec<Edge>,
    /// The same step by step, for a drawing from left to right; in order of the steps.
    pub flow: Vec<Edge>,
    /// What became of journeys at each step that anybody came to.
    pub steps: Vec<Step>,
}

/// How much to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// Whether repeats are one step.
    pub repeats: Repeats,
    /// How many paths.
    pub paths_max: usize,
    /// How many touches are drawn one by one; the others go into [`Place::Further`].
    pub flow_touches_max: usize,
}

impl Default for View {
    /// Every touch a step, twenty paths, a drawing of six touches: what fits a page.
    fn default() -> Self {
        Self { repeats: Repeats::Kept, paths_max: 20, flow_touches_max: 6 }
    }
}

/// The roads of `journeys`.
pub fn roads(journeys: &Journeys, view: View) -> Roads {
    let paths = merged(journeys, view.repeats);
    let (shown, other) = top(journeys, &paths, view.paths_max);
    Roads {
        paths: shown,
        other,
        edges: edges(journeys, &paths),
        flow: flow(journeys, &paths, view.flow_touches_max),
        steps: steps(&paths),
    }
}

type Paths = BTreeMap<Vec<usize>, Outcomes>;

/// Equal paths counted together.
fn merged(journeys: &Journeys, repeats: Repeats) -> Paths {
    let mut paths: HashMap<Vec<usize>, Outcomes> = HashMap::new();
    let mut path = Vec::new();
    for journey in journeys.iter().filter(|journey| journey.outcomes.journeys() > 0.0) {
        path.clear();
        path.extend_from_slice(journey.steps);
        if repeats == Repeats::Collapsed {
            path.dedup();
        }
        match paths.get_mut(path.as_slice()) {
            Some(outcomes) => *outcomes = plus(*outcomes, journey.outcomes),
            None => drop(paths.insert(path.clone(), journey.outcomes)),
        }
    }
    paths.into_iter().collect()
}

fn plus(a: Outcomes, b: Outcomes) -> Outcomes {
    Outcomes {
        conversions: a.conversions + b.conversions,
        value: a.value + b.value,
        nulls: a.nulls + b.nulls,
    }
}

fn top(journeys: &Journeys, paths: &Paths, paths_max: usize) -> (Vec<Road>, Option<Outcomes>) {
    let mut sold: Vec<Road> = paths
        .iter()
        .filter(|(_, outcomes)| outcomes.conversions > 0.0)
        .map(|(path, outcomes)| Road {
            path: path.iter().map(|place| journeys.name(*place).to_owned()).collect(),
            orders: outcomes.conversions,
            value: outcomes.value,
            lost: outcomes.nulls,
        })
        .collect();
    sold.sort_by(|x, y| {
        y.orders
            .total_cmp(&x.orders)
            .then(y.value.total_cmp(&x.value))
            .then_with(|| x.path.cmp(&y.path))
    });
    let rest = sold.split_off(paths_max.min(sold.len()));
    let other = rest.iter().fold(None, |sum: Option<Outcomes>, road| {
        let more = Outcomes { conversions: road.orders, value: road.value, nulls: road.lost };
        Some(plus(sum.unwrap_or_default(), more))
    });
    (sold, other)
}

/// A place without its name, so that counting copies no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Spot {
    Start,
    Channel(usize),
    Further,
    Order,
    Lost,
}

#[derive(Default)]
struct Flows(BTreeMap<(Option<usize>, Spot, Spot), Outcomes>);

impl Flows {
    fn add(&mut self, step: Option<usize>, from: Spot, to: Spot, outcomes: Outcomes) {
        let sum = self.0.entry((step, from, to)).or_default();
        *sum = plus(*sum, outcomes);
    }

    /// The last edges of a path: to the order, and to nowhere.
    fn end(&mut self, step: Option<usize>, from: Spot, outcomes: Outcomes) {
        if outcomes.conversions > 0.0 {
            self.add(step, from, Spot::Order, Outcomes { nulls: 0.0, ..outcomes });
        }
        if outcomes.nulls > 0.0 {
            let lost = Outcomes { nulls: outcomes.nulls, ..Outcomes::default() };
            self.add(step, from, Spot::Lost, lost);
        }
    }

    fn edges(self, journeys: &Journeys) -> Vec<Edge> {
        let place = |spot| match spot {
            Spot::Start => Place::Start,
            Spot::Channel(at) => Place::Channel(journeys.name(at).to_owned()),
            Spot::Further => Place::Further,
            Spot::Order => Place::Order,
            Spot::Lost => Place::Lost,
        };
        self.0
            .into_iter()
            .map(|((step, from, to), outcomes)| Edge {
                step,
                from: place(from),
                to: place(to),
                journeys: outcomes.journeys(),
                orders: outcomes.conversions,
                value: outcomes.value,
            })
            .collect()
    }
}

fn edges(journeys: &Journeys, paths: &Paths) -> Vec<Edge> {
    let mut flows = Flows::default();
    for (path, outcomes) in paths {
        let mut from = Spot::Start;
        for place in path {
            flows.add(None, from, Spot::Channel(*place), *outcomes);
            from = Spot::Channel(*place);
        }
        flows.end(None, from, *outcomes);
    }
    let mut edges = flows.edges(journeys);
    edges.sort_by(|x, y| {
        let names = |edge: &Edge| (edge.from.clone(), edge.to.clone());
        y.journeys.total_cmp(&x.journeys).then_with(|| names(x).cmp(&names(y)))
    });
    edges
}

fn flow(journeys: &Journeys, paths: &Paths, touches_max: usize) -> Vec<Edge> {
    let mut flows = Flows::default();
    for (path, outcomes) in paths {
        let mut from = Spot::Start;
        let drawn = path.len().min(touches_max);
        for (step, place) in path.iter().take(drawn).enumerate() {
            flows.add(Some(step), from, Spot::Channel(*place), *outcomes);
            from = Spot::Channel(*place);
        }
        let mut step = drawn;
        if path.len() > drawn {
            flows.add(Some(step), from, Spot::Further, *outcomes);
            from = Spot::Further;
            step = step.saturating_add(1);
        }
        flows.end(Some(step), from, *outcomes);
    }
    flows.edges(journeys)
}

fn steps(paths: &Paths) -> Vec<Step> {
    let mut ends: BTreeMap<usize, Outcomes> = BTreeMap::new();
    for (path, outcomes) in paths {
        let sum = ends.entry(path.len()).or_default();
        *sum = plus(*sum, *outcomes);
    }
    let longest = ends.last_key_value().map_or(0, |(length, _)| *length);
    let mut reached = 0.0;
    let mut steps: Vec<Step> = (1..=longest)
        .rev()
        .map(|touch| {
            let end = ends.get(&touch).copied().unwrap_or_default();
            reached += end.journeys();
            Step { touch, reached, ordered: end.conversions, value: end.value, lost: end.nulls }
        })
        .collect();
    steps.reverse();
    steps
}

#[cfg(test)]
mod tests;
