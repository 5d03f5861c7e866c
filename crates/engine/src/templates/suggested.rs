//! `{{ also_bought }}` in a mail: what stands in its place. A fixed number of places, each of them
//! drawn where there is something for it, so that each link keeps its number whoever reads.

use model::Refused;

use crate::also_bought::SHOWN;
use crate::also_bought::mails::{NAME, target};
use crate::render::syntax;

/// What stands above, where the author says nothing else.
const TITLE: &str = "Customers also bought";

/// The words above the block, where `piece` is one.
///
/// # Errors
/// It is about what was also bought, and not in one of the two ways of writing it.
pub(super) fn title(source: &str, piece: &syntax::Code<'_>) -> Result<Option<String>, Refused> {
    let inside = piece.text.trim_start_matches(['{', '-', '+']).trim_end_matches(['}', '-', '+']);
    let Some(rest) = inside.trim().strip_prefix(NAME).filter(|_| !piece.silent) else {
        return Ok(None);
    };
    let given = rest.trim().strip_prefix('|').map(str::trim);
    let given = given.and_then(|rest| rest.strip_prefix("titled")).map(str::trim);
    let given = given.and_then(|rest| rest.strip_prefix('(')?.strip_suffix(')')).map(str::trim);
    let quoted = |mark: char| {
        let words = given?.strip_prefix(mark)?.strip_suffix(mark)?;
        (!words.contains([mark, '{', '}', '\\', '\n'])).then(|| words.trim().to_owned())
    };
    match (rest.trim(), quoted('"').or_else(|| quoted('\''))) {
        ("", _) => Ok(Some(TITLE.to_owned())),
        (_, Some(words)) if !words.is_empty() => Ok(Some(words)),
        _ => {
            let place = syntax::place(source, piece.start);
            let message = format!(
                "{place}: write {{{{ {NAME} }}}} or {{{{ {NAME} | titled(\"Words above it\") }}}}"
            );
            Err(Refused::new("template_invalid", message).at("source"))
        }
    }
}

/// The block as HTML, its links not yet numbered. Statements stand where the parser that moves the
/// styles lets them: within a table in comments, which [`uncover`] takes off.
pub(super) fn html(title: &str) -> String {
    let places: String = (0..SHOWN).map(place).collect();
    let title = ammonia::clean_text(title).replace("&#32;", " ");
    format!("{{% if {NAME} %}}<h2>{title}</h2>{places}{{% endif %}}")
}

fn place(slot: usize) -> String {
    let one = format!("{NAME}[{slot}]");
    format!(
        "{{% if {one} is defined %}}<table class=\"offer\" role=\"presentation\" width=\"100%\" \
         cellpadding=\"0\" cellspacing=\"0\" border=\"0\"><tr><!--{{% if {one}.image %}}-->\
         <td class=\"offer-picture\" width=\"84\"><img src=\"{{{{ {one}.image }}}}\" alt=\"\" \
         width=\"84\" height=\"84\"></td><!--{{% endif %}}--><td class=\"offer-text\">\
         <a class=\"offer-link\" href=\"{}\">{{{{ {one}.name }}}}</a> · \
         <span class=\"offer-price\">{{{{ {one}.price }}}}</span>\
         {{% if {one}.text %}}<br>{{{{ {one}.text }}}}{{% endif %}}</td></tr></table>{{% endif %}}",
        target(slot)
    )
}

/// Takes the comments off the statements.
pub(super) fn uncover(page: &str) -> String {
    page.replace("<!--{%", "{%").replace("%}-->", "%}")
}

/// The block as text. `first` is the number of its first link; the others follow. The blank line
/// before it goes with it, so that nothing shows where there is nothing to suggest.
pub(super) fn plain(title: &str, first: usize) -> String {
    format!(
        "{{%- if {NAME} %}}\n\n{title}\n{{% for one in {NAME} %}}\n- {{{{ one.name }}}}, \
         {{{{ one.price }}}}{{% if one.text %}}\n  {{{{ one.text }}}}{{% endif %}}\n  \
         {{{{ links[{first} + loop.index0] }}}}{{% endfor %}}{{% endif %}}"
    )
}
