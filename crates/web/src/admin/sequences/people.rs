//! `/admin/sequences/{id}/people`: many people put into a sequence at once. First who, then how
//! many that is, then the press.

use axum::extract::Query;
use engine::sequence_runs::{self, Asked, Taken};
use model::ids::ContactId;
use model::sequence_runs::{Audience, TYPED_ABOVE};

use super::words::{audience_href, audience_words};
use super::*;

/// Tags offered.
const TAGS: i64 = 100;

/// Who is put in, and how many that is.
#[derive(Debug, Serialize)]
pub struct PeoplePage {
    frame: Frame,
    id: String,
    name: String,
    /// Why nobody can be put in; absent where people can.
    closed: Option<String>,
    tags: Vec<(String, String)>,
    products: Vec<(String, String)>,
    form: PeopleForm,
    look: Option<LookView>,
    errors: Vec<FieldError>,
}

/// How many there are now.
#[derive(Debug, Serialize)]
pub struct LookView {
    who: String,
    href: String,
    people: i64,
    turn: i64,
    before: String,
    must_type: bool,
    /// The run of the same people that is at work.
    running: Option<String>,
}

/// Who, and what the page before said of them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PeopleForm {
    who: String,
    tag: String,
    product: String,
    turn: String,
    before: String,
    people: String,
    typed: String,
}

impl PeopleForm {
    fn audience(&self) -> Result<Audience, Refused> {
        match self.who.as_str() {
            "tag" => format!("tag:{}", self.tag).parse(),
            "bought" | "not-bought" => format!("{}:{}", self.who, self.product).parse(),
            who => who.parse(),
        }
    }

    /// What is pressed; what no page of ours sends is a page of long ago.
    fn asked(&self, sequence: SequenceId) -> Result<Asked, Refused> {
        let stale = || {
            let say = "look at how many people there are now, then press again";
            Refused::new("run_stale", say).at("who")
        };
        Ok(Asked {
            sequence,
            audience: self.audience()?,
            turn: self.turn.parse().map_err(|_| stale())?,
            before: self.before.parse::<ContactId>().map_err(|_| stale())?,
            people: self.people.parse().map_err(|_| stale())?,
            typed: typed(&self.typed),
        })
    }
}

/// A number as people write it: `1204`, `1,204`, `1.204`, `1 204`.
fn typed(text: &str) -> Option<i64> {
    let between = |c: char| c.is_whitespace() || matches!(c, ',' | '.' | '\'' | '’');
    text.chars().filter(|c| !between(*c)).collect::<String>().parse().ok()
}

impl PeoplePage {
    pub(crate) fn sample() -> Self {
        let form = PeopleForm {
            who: "tag".to_owned(),
            tag: "customer".to_owned(),
            ..PeopleForm::default()
        };
        Self {
            frame: Frame::sample("sequences"),
            id: "seq_0000000000001".to_owned(),
            name: "Spring letter".to_owned(),
            closed: Some("the sequence is paused".to_owned()),
            tags: vec![("customer".to_owned(), "customer".to_owned())],
            products: vec![("prd_0000000000001".to_owned(), "The guide".to_owned())],
            form,
            look: Some(LookView {
                who: "People with the tag customer".to_owned(),
                href: "#".to_owned(),
                people: 1_204,
                turn: 1,
                before: "con_0000000000001".to_owned(),
                must_type: true,
                running: Some("run_0000000000001".to_owned()),
            }),
            errors: vec![FieldError::new("typed", "type 1204 to show that you mean it")],
        }
    }
}

/// The choice, and, once one was made, how many that is.
pub async fn show(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<String>,
    Query(form): Query<PeopleForm>,
) -> Reply {
    let id = read_id(&id)?;
    let page = page(&state, &who, id, form, Vec::new()).await?;
    if page.errors.is_empty() {
        return reply::page("admin/sequences/people.html", page);
    }
    reply::again("admin/sequences/people.html", page)
}

/// Puts them in, once however often it is pressed.
pub async fn create(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<String>,
    Form(form): Form<PeopleForm>,
) -> Reply {
    let id = read_id(&id)?;
    let taken = match form.asked(id) {
        Ok(asked) => sequence_runs::ask(&who.engine(&state), who.site.id, asked).await,
        Err(refused) => Err(refused.into()),
    };
    match taken {
        Ok(Taken::Begun(run)) => {
            let said = "Asked for. Who presses it again asks for the same.";
            Ok(reply::done(&format!("/admin/sequences/{id}/runs/{run}"), said))
        }
        Ok(Taken::Before(run)) => {
            let said = "This was asked for before: there is one run, and nobody gets it twice.";
            Ok(reply::done(&format!("/admin/sequences/{id}/runs/{run}"), said))
        }
        Err(error) => {
            let errors = to_mend(error)?;
            let page = page(&state, &who, id, form, errors).await?;
            reply::again("admin/sequences/people.html", page)
        }
    }
}

async fn page(
    state: &AppState,
    who: &CurrentOperator,
    id: SequenceId,
    form: PeopleForm,
    mut errors: Vec<FieldError>,
) -> Result<PeoplePage, WebError> {
    let (site, frame, shown) = (who.site.id, who.frame("sequences"), form.clone());
    let mut page = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let sequence = find(session, site, id).await?;
                let tags = store::tags::names(session, site, TAGS).await?;
                let tag = |tag: String| (tag.clone(), tag);
                let products = store::products::list(session, site).await?;
                let closed = sequences::must_be_live(&sequence).err();
                Ok(PeoplePage {
                    frame,
                    closed: closed.map(|refused| refused.message),
                    tags: tags.into_iter().map(tag).collect(),
                    products: products.into_iter().map(|p| (p.id.to_string(), p.name)).collect(),
                    form: shown,
                    look: None,
                    errors: Vec::new(),
                    id: id.to_string(),
                    name: sequence.name,
                })
            })
        })
        .await?;
    if page.closed.is_none() && !form.who.is_empty() {
        match form.audience() {
            Ok(audience) => page.look = Some(look(state, site, id, audience).await?),
            Err(refused) if errors.is_empty() => errors.push((&refused).into()),
            Err(_) => {}
        }
    }
    Ok(PeoplePage { errors, ..page })
}

async fn look(
    state: &AppState,
    site: SiteId,
    id: SequenceId,
    audience: Audience,
) -> Result<LookView, WebError> {
    let look = sequence_runs::look(&state.engine, site, id, &audience).await?;
    let href = audience_href(&audience);
    let who = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { audience_words(session, site, &audience).await })
        })
        .await?;
    Ok(LookView {
        who,
        href,
        people: look.people,
        turn: look.turn,
        before: look.before.to_string(),
        must_type: look.people > TYPED_ABOVE,
        running: look.running.map(|run| run.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::typed;

    #[test]
    fn a_number_is_read_as_people_write_it() {
        for text in ["1204", "1,204", "1.204", "1 204", " 1'204 "] {
            assert_eq!(typed(text), Some(1_204), "{text}");
        }
        for text in ["", "all", "1204x", "-"] {
            assert_eq!(typed(text), None, "{text}");
        }
    }
}
