//! Credits of channels.

use super::{From, References};

pub(super) fn add(all: &mut References<'_>) {
    let Some(told) = all.ask("attribution", "attribution/pathdata.csv.gz", "") else { return };
    let from = From { of: "PathData", source: "ChannelAttribution" };
    all.near(from, &told, &[("/total_conversions", 19_785.0)], 0.0);
    let touches = [
        ("alpha", 6_308.0, 8_447.0),
        ("eta", 3_164.0, 4_167.0),
        ("iota", 4_606.0, 3_355.0),
        ("beta", 2_831.0, 989.0),
    ];
    for (channel, first, last) in touches {
        all.near(from, &told, &[(&credit("first", channel), first)], 1e-9);
        all.near(from, &told, &[(&credit("last", channel), last)], 1e-9);
    }
    all.near(from, &told, &[(&credit("linear", "alpha"), 7_574.718_593_751)], 1e-6);
    let exact = From { source: "linear algebra, computed twice", ..from };
    for (channel, wanted) in [
        ("alpha", 5_344.95),
        ("iota", 3_884.61),
        ("eta", 3_340.85),
        ("beta", 2_527.35),
        ("theta", 1_971.91),
        ("lambda", 1_282.85),
        ("epsilon", 599.57),
        ("zeta", 381.06),
        ("kappa", 274.36),
        ("gamma", 171.15),
        ("delta", 4.61),
        ("mi", 1.72),
    ] {
        all.near(exact, &told, &[(&credit("markov", channel), wanted)], 0.005);
    }
    for (channel, wanted) in
        [("alpha", 0.55840), ("iota", 0.40584), ("eta", 0.34903), ("beta", 0.26404)]
    {
        let pointer = format!("/models/markov/removal_effects/{channel}");
        all.near(exact, &told, &[(&pointer, wanted)], 5e-6);
    }
    let set = From { source: "closed form of the set game", ..from };
    for (channel, wanted) in
        [("alpha", 7_627.944), ("eta", 3_613.656), ("iota", 3_505.044), ("beta", 1_982.739)]
    {
        all.near(set, &told, &[(&credit("shapley", channel), wanted)], 5e-4);
    }
    let models = told["models"].as_object().unwrap();
    for (model, answer) in models {
        let sum: f64 =
            answer["credits"].as_object().unwrap().values().filter_map(|v| v.as_f64()).sum();
        let what = format!("{model} credits in all");
        all.line(
            From { source: "they sum to all conversions", ..from },
            &what,
            19_785.0,
            sum,
            1e-6,
        );
    }
}

fn credit(model: &str, channel: &str) -> String {
    format!("/models/{model}/credits/{channel}")
}
