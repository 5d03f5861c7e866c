//! Products: made and changed.

use model::ids::{FileId, ProductId};
use model::notes::{clean_line, clean_text};
use model::products::{ProductState, Role};
use model::{Money, Refused, SiteId, Slug};
use store::Tx;
use store::products::{Product, ProductFile};

use crate::audits;
use crate::engine::Engine;
use crate::fault::{EngineError, Result};

/// Characters of a name.
const NAME_MAX: usize = 200;
/// Characters of a summary.
const SUMMARY_MAX: usize = 500;
/// Characters of a description.
const DESCRIPTION_MAX: usize = 50_000;

/// A product as an operator or a file writes it.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Which; none: a new one.
    pub id: Option<ProductId>,
    /// The version that was edited: another one is a conflict. None: whatever stands.
    pub version: Option<i64>,
    /// Its name in addresses; from its name where empty.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// One or two sentences.
    pub summary: String,
    /// Markdown.
    pub description: String,
    /// Which part of the business it is.
    pub role: Role,
    /// Whether it is sold.
    pub state: ProductState,
    /// What one costs the seller.
    pub cost: Money,
    /// Its picture.
    pub image: Option<FileId>,
    /// What a buyer may download; none: stays as it is.
    pub files: Option<Vec<(FileId, String)>>,
}

/// Writes a product, new or changed.
///
/// # Errors
/// A field that must be mended, or a change by somebody else.
pub async fn put(engine: &Engine, site: SiteId, draft: Draft) -> Result<ProductId> {
    let of = engine.clone();
    engine
        .write_content(move |tx| {
            Box::pin(async move {
                let id = put_in(&of, tx, site, draft).await?;
                audits::note(&of, tx, site, "product.saved", id, &()).await?;
                Ok(id)
            })
        })
        .await
}

/// The same within a transaction.
pub(crate) async fn put_in(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: SiteId,
    draft: Draft,
) -> Result<ProductId> {
    let mut product = read(engine, &draft)?;
    let (now, is_known, version) = (engine.now(), draft.id.is_some(), draft.version);
    let files = draft.files;
    let taken = store::products::find_by_slug(tx, site, &product.slug).await?;
    if taken.is_some_and(|other| other.id != product.id) {
        let refused = Refused::new("slug_taken", "another product has this name");
        return Err(refused.at("slug").into());
    }
    if is_known {
        let known = store::products::find(tx, site, product.id)
            .await?
            .ok_or_else(|| EngineError::missing("product", product.id))?;
        if version.is_some_and(|version| version != known.version) {
            return Err(EngineError::Conflict(
                "somebody else changed this product meanwhile: look at theirs, then save yours again"
                    .to_owned(),
            ));
        }
        product.version = known.version + 1;
        product.created_at = known.created_at;
    }
    store::products::put(tx, site, &product, now).await?;
    if let Some(image) = product.image {
        store::files::show(tx, site, image).await?;
    }
    if let Some(files) = files {
        let ever = store::products::files_ever(tx, site, product.id).await?;
        let files = numbered(&ever, files);
        store::products::set_files(tx, site, product.id, &files).await?;
    }
    Ok(product.id)
}

/// Gives each file the number its links are signed with: the one it had; that of the file of the
/// same title which it replaces, so that a new edition is what old links lead to; or a new one.
fn numbered(ever: &[ProductFile], files: Vec<(FileId, String)>) -> Vec<ProductFile> {
    let stays: Vec<FileId> = files.iter().map(|(file, _)| *file).collect();
    let mut next = ever.iter().map(|file| file.n).max().map_or(0, |last| last + 1);
    let mut numbered: Vec<ProductFile> = Vec::new();
    for (file_id, title) in files {
        let free = |old: &&ProductFile| numbered.iter().all(|new| new.n != old.n);
        let same = ever.iter().filter(free).find(|old| old.file_id == file_id);
        let replaced = |old: &&ProductFile| old.title == title && !stays.contains(&old.file_id);
        let known = same.or_else(|| ever.iter().filter(free).rfind(replaced));
        let n = known.map_or(next, |old| old.n);
        next += i64::from(known.is_none());
        numbered.push(ProductFile { n, file_id, title });
    }
    numbered
}

/// The row a draft asks for.
fn read(engine: &Engine, draft: &Draft) -> Result<Product> {
    let name = clean_line(&draft.name);
    if name.is_empty() || name.chars().count() > NAME_MAX {
        let message = format!("give it a name of 1 to {NAME_MAX} characters");
        return Err(Refused::new("name_length", message).at("name").into());
    }
    let summary = clean_line(&draft.summary);
    let description = clean_text(&draft.description);
    if summary.chars().count() > SUMMARY_MAX || description.chars().count() > DESCRIPTION_MAX {
        let message = format!("a summary has {SUMMARY_MAX} characters at most");
        return Err(Refused::new("summary_length", message).at("summary").into());
    }
    let cost = draft.cost.as_price().map_err(|refused| refused.at("cost"))?;
    let slug = match draft.slug.trim() {
        "" => Slug::suggest(&name).ok_or_else(|| {
            Refused::new("slug_missing", "give it a name in addresses").at("slug")
        })?,
        typed => Slug::parse(typed).map_err(|refused| refused.at("slug"))?,
    };
    let now = engine.now();
    Ok(Product {
        id: draft.id.unwrap_or_else(|| ProductId(engine.next_id())),
        slug: slug.to_string(),
        name,
        summary,
        description,
        role: draft.role,
        state: draft.state,
        currency: cost.currency,
        cost_minor: cost.minor,
        image: draft.image,
        version: 1,
        created_at: now,
        updated_at: now,
    })
}

/// Sets what is shown beside a product first.
///
/// # Errors
/// The database fails.
pub async fn pin(
    engine: &Engine,
    site: SiteId,
    id: ProductId,
    mut pins: Vec<ProductId>,
) -> Result<()> {
    pins.retain(|pin| *pin != id);
    let of = engine.clone();
    engine
        .write_content(move |tx| {
            Box::pin(async move {
                store::products::set_pins(tx, site, id, &pins).await?;
                audits::note(&of, tx, site, "product.pinned", id, &()).await
            })
        })
        .await
}
