//! Sample charts.

use minijinja::{Value, context};

use crate::charts::{
    self, Bars, Ends, FlowWords, Funnel, Heat, HeatRow, Lines, Mark, Payback, Rank, RankItem,
    Series, Size, Spread, SpreadRow, Stage, Unit,
};

fn money() -> Unit {
    Unit::Money("EUR".into())
}

fn figure(title: &str, note: &str, svg: &str, formula: &str) -> Value {
    context! {
        title, note, svg, formula, csv => "#",
        columns => ["Week", "Value"], num => [1],
        rows => [["2 Nov", "€120.00"], ["9 Nov", "€480.00"]],
    }
}

fn curve() -> Value {
    let day = |n: u32| {
        let t = f64::from(n);
        (t, -2710.0 + 1500.0 * f64::from(n >= 1) + 3100.0 * (1.0 - (-t / 85.0).exp()))
    };
    let spec = Payback {
        title: "Margin per customer, less what they cost".into(),
        about: "Starts at −€27.10, is even on day 42 and reaches €15.40 after 180 days".into(),
        points: (0..=180).step_by(3).map(day).collect(),
        before: Vec::new(),
        break_even: Some(42.0),
        marks: vec![
            Mark { day: 2.0, label: "first order".into() },
            Mark { day: 63.0, label: "second order".into() },
        ],
        currency: "EUR".into(),
    };
    figure(
        &spec.title,
        "We lose on the first sale and earn on the second.",
        &charts::both(|size| charts::payback(&spec, size)),
        "Σ (revenue − tax − cost of goods − commission − discount) ÷ customers − CAC",
    )
}

fn weeks(n: u32) -> Vec<String> {
    (0..n)
        .map(|week| {
            format!(
                "{} {}",
                1 + week * 7 % 28,
                ["Sep", "Oct", "Nov"][usize::try_from(week / 4).unwrap()]
            )
        })
        .collect()
}

fn wave(n: u32, base: f64, rise: f64, swing: f64) -> impl Iterator<Item = f64> {
    (0..n).map(move |at| base + rise * f64::from(at) + swing * (f64::from(at) * 1.7).sin())
}

fn one_line() -> Value {
    let spec = Lines {
        title: "Revenue by week".into(),
        about: "Rises from €1,200 to €4,100".into(),
        labels: weeks(12),
        series: vec![Series::new("Revenue", wave(12, 120_000.0, 24_000.0, 30_000.0))],
        unit: money(),
    };
    figure(
        &spec.title,
        "",
        &charts::both(|size| charts::lines(&spec, size)),
        "Σ lines paid − refunds",
    )
}

fn three_lines() -> Value {
    let spec = Lines {
        title: "Confirmed leads by channel".into(),
        about: "Search leads, partners grow".into(),
        labels: weeks(12),
        series: vec![
            Series::new("Search", wave(12, 40.0, 2.0, 8.0)),
            Series::new("Partners", wave(12, 8.0, 4.0, 4.0)),
            Series::new("Direct", wave(12, 22.0, -0.4, 3.0)),
        ],
        unit: Unit::Count,
    };
    figure(&spec.title, "", &charts::both(|size| charts::lines(&spec, size)), "")
}

fn stacked() -> Value {
    let spec = Bars {
        title: "Revenue by place of sale".into(),
        about: "A third comes after the first order".into(),
        labels: ["Jun", "Jul", "Aug", "Sep", "Oct", "Nov"].map(str::to_owned).to_vec(),
        series: vec![
            Series::new("Main offer", wave(6, 150_000.0, 9_000.0, 10_000.0)),
            Series::new("Upsell", wave(6, 60_000.0, 12_000.0, 9_000.0)),
            Series::new("Back end", wave(6, 20_000.0, 14_000.0, 4_000.0)),
            Series::new("Refunds", wave(6, -9_000.0, -500.0, 2_000.0)),
        ],
        unit: money(),
    };
    figure(&spec.title, "", &charts::both(|size| charts::bars(&spec, size)), "")
}

fn stages() -> Value {
    let stage = |label: &str, count| Stage { label: label.into(), count };
    let spec = Funnel {
        title: "From visit to second order".into(),
        about: "Of 12,480 visits 1,204 confirmed and 95 ordered".into(),
        stages: vec![
            stage("Visits", 12_480),
            stage("Leads", 1_730),
            stage("Confirmed", 1_204),
            stage("Orders", 95),
            stage("Second orders", 31),
        ],
    };
    figure(&spec.title, "Last 90 days", &charts::both(|size| charts::funnel(&spec, size)), "")
}

fn channels() -> Value {
    let item = |label: &str, value, note: &str| RankItem {
        label: label.into(),
        value,
        note: Some(note.into()),
    };
    let spec = Rank {
        title: "Revenue by channel".into(),
        about: "Search brings the most".into(),
        items: vec![
            item("Search", 228_000.0, "48%"),
            item("Partner: Long Meadow Nursery & Friends", 111_900.0, "24%"),
            item("Mail", 84_000.0, "18%"),
            item("Direct", 46_200.0, "10%"),
        ],
        unit: money(),
    };
    figure(&spec.title, "First touch", &charts::both(|size| charts::rank(&spec, size)), "")
}

fn cohorts() -> Value {
    let rows = (0..8_u32)
        .map(|nth| HeatRow {
            label: ["Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov"]
                [usize::try_from(nth).unwrap()]
            .into(),
            size: format!("{} people", 120 - nth * 7),
            cells: (0..8_u32)
                .map(|at| match at {
                    0 => Some(1.0),
                    _ if at + nth > 7 => None,
                    _ => Some(0.42 / f64::from(at).sqrt() - 0.012 * f64::from(nth)),
                })
                .collect(),
        })
        .collect();
    let spec = Heat {
        title: "Who bought again".into(),
        about: "About two in five buy again in the first month".into(),
        corner: "Months since the first order".into(),
        columns: (0..8).map(|n| n.to_string()).collect(),
        rows,
        unit: Unit::Share,
    };
    figure(
        &spec.title,
        "Share of each cohort with an order in that month",
        &charts::heat(&spec),
        "",
    )
}

fn roads() -> Value {
    use numbers::journeys::{Journeys, Outcomes};
    let mut journeys = Journeys::default();
    for (path, conversions, nulls) in [
        ("paid_social > email > email > direct", 41.0, 210.0),
        ("paid_social > email", 35.0, 380.0),
        ("paid_social", 12.0, 540.0),
        ("organic_search > email > paid_search", 26.0, 90.0),
        ("organic_search", 9.0, 260.0),
        ("paid_search > direct", 18.0, 70.0),
        ("referral > email > referral > email > organic_search", 14.0, 30.0),
        ("offline > organic_search", 4.0, 22.0),
    ] {
        let outcomes = Outcomes { conversions, value: 0.0, nulls };
        journeys.add_written(path, ">", outcomes).unwrap();
    }
    let words = FlowWords {
        title: "Roads to an order",
        about: "Most come by social ads and go on by mail",
        name: crate::admin::numbers::channel_name,
        lost: "No order yet",
    };
    let drawn = |size| charts::roads(&journeys, &words, Ends::All, size);
    figure("Roads to an order", "The darker part came to an order", &charts::both(drawn), "")
}

fn models() -> Value {
    let row =
        |label: &str, values: [f64; 4]| SpreadRow { label: label.into(), values: values.to_vec() };
    let spec = Spread {
        title: "Share of the orders by every model".into(),
        about: "The models are furthest apart on mail".into(),
        names: ["Last touch", "First touch", "Linear", "Markov"].map(str::to_owned).to_vec(),
        chosen: 2,
        rows: vec![
            row("Paid Social", [0.12, 0.51, 0.29, 0.33]),
            row("Email", [0.46, 0.02, 0.31, 0.27]),
            row("Organic Search", [0.3, 0.25, 0.27, 0.26]),
            row("Direct", [0.12, 0.22, 0.13, 0.14]),
        ],
        unit: Unit::Share,
    };
    let note = "Filled: linear. Rings: the others";
    figure(&spec.title, note, &charts::both(|size| charts::spread(&spec, size)), "")
}

pub(super) fn large() -> Vec<Value> {
    vec![curve(), one_line(), cohorts(), roads()]
}

pub(super) fn small() -> Vec<Value> {
    vec![three_lines(), stacked(), stages(), channels(), models()]
}

#[test]
fn a_chart_stands_alone_with_its_style() {
    let spec = Lines {
        title: "Revenue".into(),
        about: "Rises".into(),
        labels: weeks(12),
        series: vec![Series::new("Revenue", wave(12, 10.0, 1.0, 1.0))],
        unit: Unit::Count,
    };
    super::write("chart.svg", &charts::standalone(&charts::lines(&spec, Size::Wide)));
}
