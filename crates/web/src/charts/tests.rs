//! Charts say in words and numbers what they draw.

use super::axis::ticks;
use super::*;

fn texts(svg: &str) -> Vec<String> {
    svg.split("<text")
        .skip(1)
        .filter_map(|part| part.split('>').nth(1)?.split('<').next().map(str::to_owned))
        .collect()
}

fn sample_lines() -> Lines {
    Lines {
        title: "Revenue".into(),
        about: "Rises".into(),
        labels: (1..=12).map(|day| format!("{day} Nov")).collect(),
        series: vec![Series::new("All", (1..=12).map(|n| f64::from(n * 10_000)))],
        unit: Unit::Money("EUR".into()),
    }
}

#[test]
fn ticks_are_round_and_hold_every_value() {
    assert_eq!(ticks(0.0, 97.0, 5), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
    assert_eq!(ticks(-720.0, 1480.0, 5), [-1000.0, -500.0, 0.0, 500.0, 1000.0, 1500.0]);
    assert_eq!(ticks(0.0, 0.0, 4).first(), Some(&0.0));
    assert!(ticks(f64::NAN, f64::INFINITY, 5).len() > 1);
}

#[test]
fn a_drawing_has_a_name_a_role_and_no_inline_style() {
    for size in [Size::Wide, Size::Narrow] {
        let svg = lines(&sample_lines(), size);
        assert!(svg.contains("role=\"img\"><title>Revenue</title><desc>Rises</desc>"));
        assert!(!svg.contains("style="));
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }
}

#[test]
fn axis_figures_are_short_and_in_their_unit() {
    assert_eq!(Unit::Money("EUR".into()).short(120_000.0), "€1.2k");
    assert_eq!(Unit::Money("EUR".into()).short(-50_000.0), "\u{2212}€500");
    assert_eq!(Unit::Money("JPY".into()).short(1_500_000.0), "¥1.5M");
    assert_eq!(Unit::Share.short(0.25), "25%");
    assert_eq!(Unit::Count.short(12_500.0), "12.5k");
}

#[test]
fn words_from_outside_cannot_break_out_of_the_drawing() {
    let mut spec = sample_lines();
    spec.title = "</title><script>alert(1)</script>".into();
    spec.labels = vec!["<b>".into(); 12];
    let svg = lines(&spec, Size::Wide);
    assert!(!svg.contains("<script>") && !svg.contains("<b>"));
}

#[test]
fn nothing_to_draw_is_still_a_drawing() {
    let empty = Lines { labels: vec![], series: vec![], ..sample_lines() };
    assert!(lines(&empty, Size::Wide).ends_with("</svg>"));
    let none = Funnel { title: "x".into(), about: "y".into(), stages: vec![] };
    assert!(funnel(&none, Size::Narrow).ends_with("</svg>"));
    let curve = Payback {
        title: "x".into(),
        about: "y".into(),
        points: vec![],
        before: Vec::new(),
        break_even: None,
        marks: vec![],
        currency: "EUR".into(),
    };
    assert!(!payback(&curve, Size::Wide).contains("NaN"));
}

#[test]
fn a_gap_in_a_line_is_left_open() {
    let mut spec = sample_lines();
    spec.series = vec![Series {
        name: "All".into(),
        values: vec![Some(1.0), Some(2.0), None, Some(3.0), Some(4.0)],
    }];
    let svg = lines(&spec, Size::Wide);
    assert_eq!(svg.matches("class=\"c-line c-line1\"").count(), 2);
}

#[test]
fn each_stage_of_a_funnel_says_how_many_go_on() {
    let spec = Funnel {
        title: "Stages".into(),
        about: "From visit to order".into(),
        stages: vec![
            Stage { label: "Visits".into(), count: 1000 },
            Stage { label: "Leads".into(), count: 120 },
            Stage { label: "Orders".into(), count: 0 },
        ],
    };
    let words = texts(&funnel(&spec, Size::Wide));
    assert!(words.contains(&"12.0% go on".to_owned()), "{words:?}");
    assert!(words.contains(&"1,000".to_owned()));
    assert!(words.contains(&"0.0% go on".to_owned()));
}

#[test]
fn the_payback_curve_names_the_day_and_parts_loss_from_gain() {
    let mut spec = Payback {
        title: "Payback".into(),
        about: "Starts below zero".into(),
        points: vec![(0.0, -720.0), (30.0, -200.0), (60.0, 400.0), (180.0, 1480.0)],
        before: Vec::new(),
        break_even: Some(40.0),
        marks: vec![Mark { day: 60.0, label: "second order".into() }],
        currency: "EUR".into(),
    };
    let svg = payback(&spec, Size::Wide);
    let words = texts(&svg);
    assert!(words.contains(&"earned back on day 40".to_owned()), "{words:?}");
    assert!(words.contains(&"second order: €4.00".to_owned()), "{words:?}");
    assert_eq!(svg.matches("c-loss").count(), 1);
    assert_eq!(svg.matches("c-gain").count(), 1);
    spec.break_even = None;
    assert!(texts(&payback(&spec, Size::Narrow)).contains(&"not earned back in these days".into()));
}

#[test]
fn a_period_that_has_not_come_is_an_empty_cell_not_a_zero() {
    let spec = Heat {
        title: "Cohorts".into(),
        about: "x".into(),
        corner: "Cohort".into(),
        columns: ["0", "1", "2"].map(str::to_owned).to_vec(),
        rows: vec![HeatRow {
            label: "Oct".into(),
            size: "120".into(),
            cells: vec![Some(1.0), Some(0.0), None],
        }],
        unit: Unit::Share,
    };
    assert_eq!(heat(&spec).matches("c-heat").count(), 2);
}

#[test]
fn every_point_of_a_row_has_its_own_shape_and_its_interval_a_band() {
    let spec = Ranges {
        title: "Credit".into(),
        about: "x".into(),
        series: ["first", "last", "linear", "position", "markov", "shapley"]
            .map(str::to_owned)
            .to_vec(),
        rows: vec![RangeRow {
            label: "Search".into(),
            text: "12".into(),
            range: Some((-4.0, 20.0)),
            points: vec![Some(1.0), Some(2.0), Some(3.0), None, Some(5.0), Some(6.0)],
        }],
        unit: Unit::Count,
    };
    for size in [Size::Wide, Size::Narrow] {
        let svg = ranges(&spec, size);
        assert_eq!(svg.matches("class=\"c-range\"").count(), 1);
        // Five points and six names, none drawn like another.
        assert_eq!(svg.matches("c-mark").count(), 11);
        assert!(svg.contains("Search: \u{2212}4 to 20") && !svg.contains("NaN"), "{svg}");
    }
    let none = Ranges { rows: vec![], series: vec![], ..spec };
    assert!(ranges(&none, Size::Wide).ends_with("</svg>"));
}

fn roads_of(paths: &[(&str, f64, f64)], touches: usize) -> Flow {
    let mut journeys = numbers::journeys::Journeys::default();
    for (path, conversions, nulls) in paths {
        let outcomes =
            numbers::journeys::Outcomes { conversions: *conversions, value: 0.0, nulls: *nulls };
        journeys.add_written(path, ">", outcomes).unwrap();
    }
    let view = numbers::roads::View {
        repeats: numbers::roads::Repeats::Collapsed,
        flow_touches_max: touches,
        ..numbers::roads::View::default()
    };
    let words =
        FlowWords { title: "Roads", about: "Two ways", name: str::to_owned, lost: "No order yet" };
    Flow::of(&numbers::roads::roads(&journeys, view).flow, &words)
}

const PATHS: [(&str, f64, f64); 4] = [
    ("ads > mail", 4.0, 6.0),
    ("search", 1.0, 9.0),
    ("ads > mail > mail > search > ads", 2.0, 0.0),
    ("search > mail", 0.0, 8.0),
];

#[test]
fn a_flow_keeps_its_counts_from_column_to_column() {
    let flow = roads_of(&PATHS, 3);
    assert_eq!(flow.heads, ["1st touch", "2nd touch", "3rd touch", "Later", "Then"]);
    for (at, node) in flow.nodes.iter().enumerate() {
        let sum = |near: fn(&FlowLink) -> usize| -> f64 {
            flow.links.iter().filter(|link| near(link) == at).map(|link| link.count).sum()
        };
        if node.column > 0 {
            assert!((sum(|link| link.to) - node.count).abs() < 1e-9, "{node:?}");
        }
        if !matches!(node.kind, FlowKind::Order | FlowKind::Lost) {
            assert!((sum(|link| link.from) - node.count).abs() < 1e-9, "{node:?}");
        }
    }
    let ends = |kind| -> f64 {
        flow.nodes.iter().filter(|node| node.kind == kind).map(|node| node.count).sum()
    };
    assert!((ends(FlowKind::Order) - 7.0).abs() < 1e-9);
    assert!((ends(FlowKind::Lost) - 23.0).abs() < 1e-9);
}

#[test]
fn the_words_of_a_flow_never_lie_on_each_other() {
    let names = "abcdefgh".chars().map(|c| format!("{c} with a very long name of its own"));
    let paths: Vec<(String, f64, f64)> =
        names.map(|name| (format!("{name} > mail > {name}"), 1.0, 400.0)).collect();
    let paths: Vec<(&str, f64, f64)> = paths.iter().map(|(p, a, b)| (p.as_str(), *a, *b)).collect();
    for size in [Size::Wide, Size::Narrow] {
        let svg = flow(&roads_of(&paths, 2), size);
        assert!(!svg.contains("NaN") && svg.contains("Other channels"));
        let mut at: Vec<(f64, f64, f64)> = Vec::new();
        for text in svg.split("<text").skip(1) {
            let number = |name: &str| -> f64 {
                let rest = text.split(&format!(" {name}=\"")).nth(1).unwrap();
                rest.split('"').next().unwrap().parse().unwrap()
            };
            let words = text.split('>').nth(1).unwrap().split('<').next().unwrap();
            at.push((
                number("x"),
                number("y"),
                6.6 * numbers::real::real_len(words.chars().count()),
            ));
        }
        for (n, a) in at.iter().enumerate() {
            for b in &at[n + 1..] {
                let beside = a.0 + a.2 <= b.0 || b.0 + b.2 <= a.0;
                assert!(beside || (a.1 - b.1).abs() >= 11.0, "{size:?}: {a:?} {b:?}");
            }
        }
    }
}

#[test]
fn a_flow_of_nothing_is_still_a_drawing() {
    let svg = flow(&roads_of(&[], 3), Size::Wide);
    assert!(svg.ends_with("</svg>") && !svg.contains("NaN"));
}

#[test]
fn a_spread_tells_the_chosen_way_and_how_far_the_others_lie() {
    let spec = Spread {
        title: "Share of the orders".into(),
        about: "x".into(),
        names: ["Last", "First", "Linear"].map(str::to_owned).to_vec(),
        chosen: 2,
        rows: vec![
            SpreadRow { label: "Email".into(), values: vec![0.6, 0.1, 0.4] },
            SpreadRow { label: "A channel with a very long name".into(), values: vec![0.0; 3] },
        ],
        unit: Unit::Share,
    };
    for size in [Size::Wide, Size::Narrow] {
        let svg = spread(&spec, size);
        assert!(texts(&svg).contains(&"40% · 10% to 60%".to_owned()), "{svg}");
        assert!(svg.contains("Email, First: 10.0%") && !svg.contains("NaN"));
        assert_eq!(svg.matches("c-other").count(), 4);
    }
    let none = Spread { rows: vec![], ..spec };
    assert!(spread(&none, Size::Wide).ends_with("</svg>"));
}
