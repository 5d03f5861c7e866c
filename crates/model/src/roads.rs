//! Roads: the touches that came before an order, written as one text.
//!
//! A step is a channel's word, with its source after a colon where one is known:
//! `paid_social:facebook`. A path is its steps between marks, `>paid_social>email>`, so that
//! `>email>` is found in it wherever the step stands.

/// Touches of one journey that are kept: of a longer one the first and the last
/// [`ENDS_KEPT`].
pub const TOUCHES_KEPT: usize = 20;
/// Touches kept at each end of a longer journey.
pub const ENDS_KEPT: usize = 10;
/// The step that stands for those left out.
pub const LEFT_OUT: &str = "…";
/// Characters of a source that are kept.
const SOURCE_MAX: usize = 60;
const MARK: char = '>';
/// Put before and after a path where both of its ends are looked for; in no step.
const EDGE: char = '<';

/// A step.
pub fn step(channel: &str, source: &str) -> String {
    let source = clean(source);
    if source.is_empty() { channel.to_owned() } else { format!("{channel}:{source}") }
}

/// A source as it stands in a step: lower case, with nothing that parts steps.
fn clean(source: &str) -> String {
    let kept = source.trim().chars().take(SOURCE_MAX);
    kept.map(|c| if matches!(c, MARK | EDGE) { ' ' } else { c }).collect::<String>().to_lowercase()
}

/// Channel and source of a step; no source is an empty one.
pub fn parts(step: &str) -> (&str, &str) {
    step.split_once(':').unwrap_or((step, ""))
}

/// Steps as one text; no steps are an empty one.
pub fn written<'a>(steps: impl IntoIterator<Item = &'a str>) -> String {
    let mut path = String::new();
    for step in steps {
        if path.is_empty() {
            path.push(MARK);
        }
        path.push_str(step);
        path.push(MARK);
    }
    path
}

/// The steps of a path, [`LEFT_OUT`] among them where it was shortened.
pub fn steps(path: &str) -> impl Iterator<Item = &str> {
    path.split(MARK).filter(|step| !step.is_empty())
}

/// The touches of a path, without the sign for those left out.
pub fn touches(path: &str) -> impl Iterator<Item = &str> {
    steps(path).filter(|step| *step != LEFT_OUT)
}

/// Whether touches were left out.
pub fn is_shortened(path: &str) -> bool {
    steps(path).any(|step| step == LEFT_OUT)
}

/// The same path without its sources.
pub fn channels(path: &str) -> String {
    written(steps(path).map(|step| parts(step).0))
}

/// Which paths are looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Sought {
    /// All.
    #[default]
    Any,
    /// This one.
    Path(String),
    /// Those that hold this step.
    Holding(String),
    /// Those whose last step is this.
    Ending(String),
}

impl Sought {
    /// What stands in such a path once it is put between two `<`; empty for all.
    pub fn sign(&self) -> String {
        match self {
            Self::Any => String::new(),
            Self::Path(path) => format!("{EDGE}{path}{EDGE}"),
            Self::Holding(step) => written([step.as_str()]),
            Self::Ending(step) => format!("{}{EDGE}", written([step.as_str()])),
        }
    }

    /// Whether `path` is one of them.
    pub fn fits(&self, path: &str) -> bool {
        format!("{EDGE}{path}{EDGE}").contains(&self.sign())
    }
}

/// The first and the last touches of a long journey; a short one is whole.
pub fn shortened<T>(mut touches: Vec<T>) -> (Vec<T>, bool) {
    if touches.len() <= TOUCHES_KEPT {
        return (touches, false);
    }
    touches.drain(ENDS_KEPT..touches.len().saturating_sub(ENDS_KEPT));
    (touches, true)
}

/// A path of kept touches; where some were left out the sign for it stands in the middle.
pub fn path_of(kept: &[String], was_shortened: bool) -> String {
    let mut steps: Vec<&str> = kept.iter().map(String::as_str).collect();
    if was_shortened {
        steps.insert(ENDS_KEPT.min(steps.len()), LEFT_OUT);
    }
    written(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_read_as_it_was_written() {
        let kept = [step("paid_social", " Face>book "), step("email", "")];
        let path = path_of(&kept, false);
        assert_eq!(path, ">paid_social:face book>email>");
        assert_eq!(steps(&path).collect::<Vec<_>>(), kept);
        assert_eq!(channels(&path), ">paid_social>email>");
        assert_eq!(parts("paid_social:face book"), ("paid_social", "face book"));
        assert_eq!((written([]), steps("").count()), (String::new(), 0));
    }

    #[test]
    fn a_path_is_found_by_its_whole_a_step_or_its_end() {
        let path = ">paid_social>email>direct>";
        for (sought, wanted) in [
            (Sought::Any, true),
            (Sought::Path(path.to_owned()), true),
            (Sought::Path(">email>direct>".to_owned()), false),
            (Sought::Path(String::new()), false),
            (Sought::Holding("email".to_owned()), true),
            (Sought::Holding("mail".to_owned()), false),
            (Sought::Ending("direct".to_owned()), true),
            (Sought::Ending("email".to_owned()), false),
        ] {
            assert_eq!(sought.fits(path), wanted, "{sought:?}");
        }
        assert!(Sought::Path(String::new()).fits(""));
        assert!(!Sought::Holding("a".to_owned()).fits(""));
    }

    #[test]
    fn a_long_journey_keeps_both_of_its_ends() {
        let all: Vec<String> = (0..25).map(|n| format!("c{n}")).collect();
        let (kept, cut) = shortened(all.clone());
        assert_eq!((kept.len(), cut), (20, true));
        assert_eq!((kept[9].as_str(), kept[10].as_str()), ("c9", "c15"));
        let path = path_of(&kept, cut);
        assert!(is_shortened(&path) && path.contains(">c9>…>c15>"));
        assert_eq!(touches(&path).count(), 20);
        assert!(is_shortened(&channels(&path)));
        assert_eq!(shortened(all[..20].to_vec()), (all[..20].to_vec(), false));
    }
}
