//! Templates and sequences, to and from a file.

use std::collections::BTreeMap;

use model::Refused;
use model::ids::{FormId, SequenceId, SequenceVersionId, TemplateId};
use model::messages::Class;
use model::schedule::{Wait, Weekly, Window};
use model::sequences::{Exit, Step, StepKind, Version, ZoneOf};
use model::sites::Site;
use model::triggers::Trigger;
use store::sequences::Sequence;
use store::{Session, Tx};

use super::apply::{Ground, product_id};
use super::changes::{Action, Change};
use super::current::Slugs;
use super::document::{Document, SequenceDoc, StepDoc, TemplateDoc};
use super::normal::step_id;
use crate::fault::{EngineError, Result};

const RETIRED: &str = "retired";
const DRAFT: &str = "draft";

/// Adds what is on the site to `document`. What was retired is no part of a funnel.
pub async fn read(
    session: &mut Session<'_>,
    site: &Site,
    slugs: &Slugs,
    document: &mut Document,
) -> Result<()> {
    let mut templates = BTreeMap::new();
    for template in store::templates::list(session, site.id).await? {
        templates.insert(template.id, template.slug.clone());
        if template.retired_at.is_some() {
            continue;
        }
        let found = store::templates::find_version(session, site.id, template.version_id).await?;
        let Some(version) = found else { continue };
        let doc = TemplateDoc {
            name: template.name,
            format: version.format,
            subject: version.subject,
            body: version.source,
            body_file: None,
        };
        document.templates.insert(template.slug, doc);
    }
    let forms: BTreeMap<FormId, String> = store::forms::list(session, site.id)
        .await?
        .into_iter()
        .map(|form| (form.id, form.slug))
        .collect();
    let names = Names { slugs, templates: &templates, forms: &forms };
    for sequence in store::sequences::list(session, site.id).await? {
        if sequence.state != RETIRED {
            let doc = names.sequence(&sequence)?;
            document.sequences.insert(sequence.slug, doc);
        }
    }
    Ok(())
}

/// What the ids of a sequence are called in a file.
struct Names<'a> {
    slugs: &'a Slugs,
    templates: &'a BTreeMap<TemplateId, String>,
    forms: &'a BTreeMap<FormId, String>,
}

impl Names<'_> {
    fn sequence(&self, sequence: &Sequence) -> Result<SequenceDoc> {
        let unreadable = |e| EngineError::Fault(format!("sequence {}: {e}", sequence.slug));
        let version: Version = serde_json::from_str(&sequence.draft).map_err(unreadable)?;
        let trigger: Trigger = serde_json::from_str(&sequence.starts_on).map_err(unreadable)?;
        Ok(SequenceDoc {
            name: sequence.name.clone(),
            starts_on: self.trigger(&trigger),
            state: sequence.state.clone(),
            zone_of: version.zone_of.as_str().to_owned(),
            exits: version.exits.iter().map(|exit| self.exit(exit)).collect(),
            steps: version.steps.iter().map(|step| self.step(step)).collect(),
        })
    }

    fn trigger(&self, trigger: &Trigger) -> String {
        match trigger {
            Trigger::Manual => "manual".to_owned(),
            Trigger::Confirmed => "confirmed".to_owned(),
            Trigger::FormConfirmed(id) => {
                let slug = self.forms.get(id).cloned().unwrap_or_else(|| id.to_string());
                format!("form:{slug}")
            }
            Trigger::TagAdded(tag) => format!("tag:{tag}"),
            Trigger::OrderPaid(id) => format!("bought:{}", self.slugs.product(*id)),
            Trigger::Refunded(id) => format!("refunded:{}", self.slugs.product(*id)),
        }
    }

    fn exit(&self, exit: &Exit) -> String {
        match exit {
            Exit::Bought { product: None } => "bought".to_owned(),
            Exit::Bought { product: Some(id) } => format!("bought:{}", self.slugs.product(*id)),
            Exit::Tagged { tag } => format!("tag:{tag}"),
            Exit::DeadlinePassed { offer } => format!("deadline:{}", self.slugs.offer(*offer)),
        }
    }

    fn step(&self, step: &Step) -> StepDoc {
        let (mut template, mut class, mut tag) = (None, None, None);
        match &step.kind {
            StepKind::Mail { template: id, class: of } => {
                let slug = self.templates.get(id).cloned();
                template = Some(slug.unwrap_or_else(|| id.to_string()));
                class = Some(of.as_str().to_owned());
            }
            StepKind::Tag { tag: word } => tag = Some(word.clone()),
            StepKind::End => {}
        }
        StepDoc {
            id: Some(step.id.to_string()),
            wait: step.wait.to_string(),
            window: step.window.map(|window| window.to_string()),
            weekly: step.weekly.map(|weekly| weekly.to_string()),
            template,
            class,
            tag,
            end: step.kind == StepKind::End,
        }
    }
}

/// Writes the template or sequence of a change.
pub async fn write(
    ground: &Ground<'_>,
    tx: &mut Tx<'_>,
    wanted: &Document,
    change: &Change,
) -> Result<()> {
    let slug = change.slug.as_str();
    if let Some(doc) = wanted.templates.get(slug).filter(|_| change.kind == "templates") {
        let draft = crate::templates::Draft {
            slug: slug.to_owned(),
            name: doc.name.clone(),
            format: doc.format.clone(),
            subject: doc.subject.clone(),
            source: doc.body.clone(),
        };
        crate::templates::put_in(ground.engine, tx, ground.site, draft).await?;
    }
    if let Some(doc) = wanted.sequences.get(slug).filter(|_| change.kind == "sequences") {
        sequence(ground, tx, slug, doc).await?;
    }
    Ok(())
}

/// Retires a template or a sequence; who is in the sequence leaves it.
pub async fn retire(ground: &Ground<'_>, tx: &mut Tx<'_>, change: &Change) -> Result<()> {
    let (site, now) = (ground.site.id, ground.engine.now());
    if change.action != Action::Retire {
        return Ok(());
    }
    if change.kind == "sequences"
        && let Some(mut known) = store::sequences::find_by_slug(tx, site, &change.slug).await?
    {
        RETIRED.clone_into(&mut known.state);
        store::sequences::update(tx, &known, now).await?;
    }
    if change.kind == "templates"
        && let Some(mut known) = store::templates::find_by_slug(tx, site, &change.slug).await?
    {
        known.retired_at = Some(now);
        store::templates::update(tx, &known, now).await?;
    }
    Ok(())
}

async fn sequence(
    ground: &Ground<'_>,
    tx: &mut Tx<'_>,
    slug: &str,
    doc: &SequenceDoc,
) -> Result<()> {
    let (engine, site, now) = (ground.engine, ground.site.id, ground.engine.now());
    let version = version(ground, tx, doc).await?;
    version.check()?;
    let trigger = trigger(ground, tx, &doc.starts_on).await?;
    let text = |e: serde_json::Error| EngineError::Fault(format!("sequence {slug}: {e}"));
    let draft = serde_json::to_string(&version).map_err(text)?;
    let starts_on = serde_json::to_string(&trigger).map_err(text)?;
    if store::sequences::find_by_slug(tx, site, slug).await?.is_none() {
        let new = Sequence {
            site_id: site,
            id: SequenceId(engine.next_id()),
            slug: slug.to_owned(),
            name: doc.name.clone(),
            state: DRAFT.to_owned(),
            starts_on: starts_on.clone(),
            draft: draft.clone(),
            version_id: None,
            revision: 1,
            created_at: now,
            updated_at: now,
        };
        store::sequences::insert(tx, &new, now).await?;
    }
    let found = store::sequences::find_by_slug(tx, site, slug).await?;
    let mut known = found.ok_or_else(|| EngineError::missing("sequence", slug))?;
    let changed = known.version_id.is_none() || known.draft != draft;
    if doc.state != DRAFT && changed {
        // New entrants follow it; who is on their way keeps the version they entered with.
        let id = SequenceVersionId(engine.next_id());
        store::sequences::insert_version(tx, site, id, known.id, &draft, now).await?;
        known.version_id = Some(id);
    }
    known.name.clone_from(&doc.name);
    known.state.clone_from(&doc.state);
    (known.starts_on, known.draft) = (starts_on, draft);
    store::sequences::update(tx, &known, now).await?;
    Ok(())
}

async fn version(ground: &Ground<'_>, tx: &mut Tx<'_>, doc: &SequenceDoc) -> Result<Version> {
    let mut steps = Vec::new();
    for step in &doc.steps {
        steps.push(self::step(ground, tx, step).await?);
    }
    let mut exits = Vec::new();
    for word in &doc.exits {
        exits.push(exit(ground, tx, word).await?);
    }
    Ok(Version { zone_of: ZoneOf::parse(&doc.zone_of)?, steps, exits })
}

async fn step(ground: &Ground<'_>, tx: &mut Tx<'_>, doc: &StepDoc) -> Result<Step> {
    let kind = if let Some(slug) = &doc.template {
        let found = store::templates::find_by_slug(tx, ground.site.id, slug).await?;
        let template = found.ok_or_else(|| EngineError::missing("template", slug))?;
        let class = doc.class.as_deref().map_or(Ok(Class::Value), Class::parse)?;
        StepKind::Mail { template: template.id, class }
    } else if let Some(tag) = &doc.tag {
        StepKind::Tag { tag: tag.clone() }
    } else {
        StepKind::End
    };
    Ok(Step {
        id: step_id(doc.id.as_deref().unwrap_or_default()),
        wait: Wait::parse(&doc.wait)?,
        window: doc.window.as_deref().map(Window::parse).transpose()?,
        weekly: doc.weekly.as_deref().map(Weekly::parse).transpose()?,
        kind,
    })
}

async fn trigger(ground: &Ground<'_>, tx: &mut Tx<'_>, word: &str) -> Result<Trigger> {
    Ok(match word.split_once(':') {
        None if word == "manual" => Trigger::Manual,
        None if word == "confirmed" => Trigger::Confirmed,
        Some(("form", slug)) => {
            let form = store::forms::find_by_slug(tx, ground.site.id, slug).await?;
            Trigger::FormConfirmed(form.ok_or_else(|| EngineError::missing("form", slug))?.id)
        }
        Some(("tag", tag)) => Trigger::TagAdded(tag.to_owned()),
        Some(("bought", slug)) => Trigger::OrderPaid(product_id(tx, ground.site, slug).await?),
        Some(("refunded", slug)) => Trigger::Refunded(product_id(tx, ground.site, slug).await?),
        _ => {
            let message = "a sequence starts on form:SLUG, confirmed, tag:WORD, bought:PRODUCT, \
                           refunded:PRODUCT or manual";
            return Err(Refused::new("trigger_unknown", message).at("starts_on").into());
        }
    })
}

async fn exit(ground: &Ground<'_>, tx: &mut Tx<'_>, word: &str) -> Result<Exit> {
    Ok(match word.split_once(':') {
        None if word == "bought" => Exit::Bought { product: None },
        Some(("bought", slug)) => {
            Exit::Bought { product: Some(product_id(tx, ground.site, slug).await?) }
        }
        Some(("tag", tag)) => Exit::Tagged { tag: tag.to_owned() },
        Some(("deadline", slug)) => {
            let offer = store::offers::find_by_slug(tx, ground.site.id, slug).await?;
            let offer = offer.ok_or_else(|| EngineError::missing("offer", slug))?.id;
            Exit::DeadlinePassed { offer }
        }
        _ => {
            let message = "a sequence ends on bought, bought:PRODUCT, tag:WORD or deadline:OFFER";
            return Err(Refused::new("exit_unknown", message).at("exits").into());
        }
    })
}
