//! Every component with sample data, written to `target/gallery` to be looked at.
//!
//! Serve that folder (`python3 -m http.server -d target/gallery`) and open `ui.html`.

use std::fs;
use std::path::{Path, PathBuf};

use minijinja::{Value, context};

use crate::frame::Frame;
use crate::{assets, templates};

mod pictures;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/gallery")
}

fn write(name: &str, html: &str) {
    let path = folder().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, html).unwrap();
}

fn write_assets() {
    for name in assets::names().filter(|name| !name.ends_with(".toml")) {
        let path = folder().join(assets::url(&name).unwrap().trim_start_matches('/'));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, assets::bytes(&name).unwrap()).unwrap();
    }
}

fn draw(name: &str, context: Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/gallery").join(name);
    let source = fs::read_to_string(path).unwrap();
    let html = templates::render_source(&source, context).unwrap_or_else(|why| {
        panic!("{name}: {why:#}\n{}", why.display_debug_info());
    });
    write(name, &html);
}

#[test]
fn the_gallery_draws_every_operator_component() {
    write_assets();
    let frame = Value::from(minijinja::value::Serde(Frame::sample("sequences")));
    for name in ["ui.html", "lists.html", "forms.html"] {
        draw(name, context! { frame => frame.clone(), now => 1_795_293_548_000_i64 });
    }
    let pictures = context! { large => pictures::large(), small => pictures::small() };
    draw(
        "charts.html",
        context! { frame, charts => pictures.get_attr("large").unwrap(), ..pictures },
    );
    draw("plain.html", context! {});
}

#[test]
fn the_gallery_draws_every_block_of_a_visitors_page() {
    write_assets();
    let site = context! {
        name => "Fern & Hollow", language => "en", home => "/", address => "4 Kiln Lane, Hythe",
        links => vec![context! { href => "/p/imprint", label => "Imprint" }],
    };
    for name in ["landing.html", "checkout.html", "tokens.html"] {
        draw(name, context! { site => site.clone() });
    }
    let theme = crate::theme::Theme {
        accent: "#b4532a".into(),
        letters: crate::theme::Letters::Bookish,
        corners: 6,
    };
    write("theme.css", &theme.stylesheet());
}
