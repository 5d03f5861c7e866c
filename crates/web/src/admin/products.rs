//! `/admin/products`: what is sold.

use axum::extract::multipart::MultipartError;
use axum::extract::{Multipart, Path, State};
use axum::http::StatusCode;
use engine::EngineError;
use engine::files::BYTES_MAX;
use engine::products::Draft;
use model::ids::{FileId, ProductId};
use model::products::{ProductState, Role};
use model::{Currency, Money, Refused};
use serde::Serialize;
use store::products::Product;

use crate::error::WebError;
use crate::extract::operator::CurrentOperator;
use crate::forms::{self, Again, FieldError, Theirs};
use crate::frame::Frame;
use crate::reply::{self, Reply};
use crate::state::AppState;

/// The products.
#[derive(Debug, Serialize)]
pub struct ProductsPage {
    frame: Frame,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    id: String,
    name: String,
    slug: String,
    role: &'static str,
    state: &'static str,
    cost: Money,
    buyers: i64,
}

/// One product and its form.
#[derive(Debug, Serialize)]
pub struct ProductPage {
    frame: Frame,
    id: Option<String>,
    form: ProductForm,
    files: Vec<Listed>,
    image: Option<String>,
    kept: Kept,
    currency: String,
    errors: Vec<FieldError>,
    theirs: Theirs,
}

/// A file in the form: its id, its name, and whether it is ticked to be removed.
type Listed = (String, String, bool);

/// What a form that came back has stored already: it is sent along with the next try.
#[derive(Debug, Default, Serialize)]
struct Kept {
    files: Vec<String>,
    image: Option<(String, String)>,
}

/// What the form holds.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ProductForm {
    version: String,
    name: String,
    slug: String,
    summary: String,
    description: String,
    role: String,
    state: String,
    cost: String,
}

impl ProductsPage {
    pub(crate) fn sample() -> Self {
        let row = Row {
            id: "prd_0000000000001".to_owned(),
            name: "The field guide".to_owned(),
            slug: "field-guide".to_owned(),
            role: "front",
            state: "active",
            cost: Money::new(100, Currency::USD),
            buyers: 42,
        };
        Self { frame: Frame::sample("products"), rows: vec![row] }
    }
}

impl ProductPage {
    pub(crate) fn sample() -> Self {
        Self {
            frame: Frame::sample("products"),
            id: Some("prd_0000000000001".to_owned()),
            form: ProductForm { name: "The field guide".to_owned(), ..ProductForm::default() },
            files: vec![("fil_0000000000001".to_owned(), "The guide (PDF)".to_owned(), true)],
            image: None,
            kept: Kept {
                files: vec!["fil_0000000000001".to_owned()],
                image: Some(("fil_0000000000002".to_owned(), "cover.png".to_owned())),
            },
            currency: "USD".to_owned(),
            errors: vec![FieldError::new("name", "give it a name")],
            theirs: Theirs::sample(),
        }
    }
}

/// The products.
pub async fn index(State(state): State<AppState>, who: CurrentOperator) -> Reply {
    let site = who.site.id;
    let rows = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let mut rows = Vec::new();
                for product in store::products::list(session, site).await? {
                    let buyers = store::product_pairs::buyers(session, site, product.id).await?;
                    rows.push(row(product, buyers));
                }
                Ok(rows)
            })
        })
        .await?;
    reply::page("admin/products/index.html", ProductsPage { frame: who.frame("products"), rows })
}

fn row(product: Product, buyers: i64) -> Row {
    Row {
        id: product.id.to_string(),
        role: product.role.as_str(),
        state: product.state.as_str(),
        cost: Money::new(product.cost_minor, product.currency),
        name: product.name,
        slug: product.slug,
        buyers,
    }
}

/// The form for a new one.
pub async fn new(who: CurrentOperator) -> Reply {
    let form = ProductForm {
        role: "front".to_owned(),
        state: "active".to_owned(),
        cost: "0".to_owned(),
        ..ProductForm::default()
    };
    reply::page("admin/products/show.html", page_of(&who, None, form, (Vec::new(), None)))
}

/// One product.
pub async fn show(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<ProductId>,
) -> Reply {
    let (product, files) = find(&state, &who, id).await?;
    let (shown, currency) = (listed(&files, &[]), product.currency);
    let image = product.image.map(|id| format!("/media/{id}"));
    let page = page_of(&who, Some(id), form_of(product), (shown, image));
    let page = ProductPage { currency: currency.to_string(), ..page };
    reply::page("admin/products/show.html", page)
}

fn form_of(product: Product) -> ProductForm {
    ProductForm {
        version: product.version.to_string(),
        cost: amount(product.cost_minor, product.currency),
        role: product.role.to_string(),
        state: product.state.to_string(),
        name: product.name,
        slug: product.slug,
        summary: product.summary,
        description: product.description,
    }
}

fn listed(files: &Files, dropped: &[FileId]) -> Vec<Listed> {
    let listed =
        |(id, title): &(FileId, String)| (id.to_string(), title.clone(), dropped.contains(id));
    files.iter().map(listed).collect()
}

/// An amount as it is typed, without its currency.
pub(crate) fn amount(minor: i64, currency: Currency) -> String {
    let text = Money::new(minor, currency).to_string();
    text.split_once(' ').map_or(text.clone(), |(amount, _)| amount.to_owned())
}

type Files = Vec<(FileId, String)>;

async fn find(
    state: &AppState,
    who: &CurrentOperator,
    id: ProductId,
) -> Result<(Product, Files), WebError> {
    let site = who.site.id;
    state
        .reader
        .read::<_, WebError, _>(move |session| {
            Box::pin(async move {
                let product = store::products::find(session, site, id)
                    .await?
                    .ok_or_else(|| EngineError::missing("product", id))?;
                let files = store::products::files(session, site, id).await?;
                Ok((product, files.into_iter().map(|file| (file.file_id, file.title)).collect()))
            })
        })
        .await
}

fn page_of(
    who: &CurrentOperator,
    id: Option<ProductId>,
    form: ProductForm,
    (files, image): (Vec<Listed>, Option<String>),
) -> ProductPage {
    ProductPage {
        frame: who.frame("products"),
        id: id.map(|id| id.to_string()),
        form,
        files,
        image,
        kept: Kept::default(),
        currency: who.site.currency.clone(),
        errors: Vec::new(),
        theirs: Theirs::default(),
    }
}

/// Makes one.
pub async fn create(
    State(state): State<AppState>,
    who: CurrentOperator,
    parts: Multipart,
) -> Reply {
    save(&state, &who, None, parts).await
}

/// Changes one.
pub async fn update(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<ProductId>,
    parts: Multipart,
) -> Reply {
    save(&state, &who, Some(id), parts).await
}

/// What came with the form.
#[derive(Default)]
struct Sent {
    form: ProductForm,
    image: Option<FileId>,
    added: Vec<FileId>,
    dropped: Vec<FileId>,
    /// Why a file was not taken; where it was too large, what came after it was not read.
    refused: Option<Refused>,
}

async fn save(
    state: &AppState,
    who: &CurrentOperator,
    id: Option<ProductId>,
    parts: Multipart,
) -> Reply {
    let sent = read(state, who, parts).await?;
    let (known, before) = match id {
        Some(id) => {
            let (product, files) = find(state, who, id).await?;
            (Some(product), files)
        }
        None => (None, Vec::new()),
    };
    let added = stored(state, who, &sent.added).await?;
    let image = stored(state, who, sent.image.as_slice()).await?.pop();
    let mut offered = before.clone();
    offered.extend(added.iter().filter(|file| !before.contains(file)).cloned());
    let mut files = offered.clone();
    files.retain(|(file, _)| !sent.dropped.contains(file));
    let chosen = image.as_ref().map(|(id, _)| *id);
    let its_image = known.as_ref().and_then(|known| known.image);
    let currency = match &known {
        Some(known) => known.currency,
        None => Currency::parse(&who.site.currency).map_err(EngineError::from)?,
    };
    let is_too_large = sent.refused.as_ref().is_some_and(|refused| refused.code == TOO_LARGE);
    let its = (chosen.or(its_image), files);
    let saved = match (sent.refused, draft(id, &sent.form, currency, its)) {
        (Some(refused), _) | (None, Err(refused)) => Err(refused.into()),
        (None, Ok(draft)) => engine::products::put(&who.engine(state), who.site.id, draft).await,
    };
    match saved {
        Ok(id) => Ok(reply::done(&format!("/admin/products/{id}"), "The product is saved.")),
        Err(error) => {
            let shown = its_image.map(|id| format!("/media/{id}"));
            let (mut form, now) = (sent.form, known.map(form_of));
            let renew =
                |form: &mut ProductForm, now: &ProductForm| form.version.clone_from(&now.version);
            let Again { mut status, errors, theirs } =
                forms::again(error, &mut form, now.as_ref(), renew)?;
            if is_too_large {
                status = StatusCode::PAYLOAD_TOO_LARGE;
            }
            let kept = Kept {
                files: added.into_iter().map(|(id, _)| id.to_string()).collect(),
                image: image.map(|(id, name)| (id.to_string(), name)),
            };
            let currency = currency.to_string();
            let page = page_of(who, id, form, (listed(&offered, &sent.dropped), shown));
            let page = ProductPage { errors, theirs, kept, currency, ..page };
            reply::page_with(status, "admin/products/show.html", page)
        }
    }
}

/// Those of the files that are stored for this site, with their names.
async fn stored(
    state: &AppState,
    who: &CurrentOperator,
    ids: &[FileId],
) -> Result<Files, WebError> {
    let mut found = Vec::new();
    for id in ids {
        match engine::files::find(&state.engine, who.site.id, *id).await {
            Ok(file) => found.push((file.id, file.name)),
            Err(EngineError::Missing { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}

/// The code of a file that is more than can be taken.
const TOO_LARGE: &str = "file_size";

fn too_large() -> Refused {
    let most = BYTES_MAX / 1024 / 1024;
    Refused::new(TOO_LARGE, format!("this is too large: {most} MB is the most at once"))
}

fn draft(
    id: Option<ProductId>,
    form: &ProductForm,
    currency: Currency,
    (image, files): (Option<FileId>, Files),
) -> Result<Draft, Refused> {
    let cost = if form.cost.trim().is_empty() { "0" } else { form.cost.as_str() };
    Ok(Draft {
        id,
        version: form.version.parse().ok(),
        slug: form.slug.clone(),
        name: form.name.clone(),
        summary: form.summary.clone(),
        description: form.description.clone(),
        role: Role::parse(&form.role).map_err(|refused| refused.at("role"))?,
        state: ProductState::parse(&form.state).map_err(|refused| refused.at("state"))?,
        cost: Money::parse_amount(cost, currency).map_err(|refused| refused.at("cost"))?,
        image,
        files: Some(files),
    })
}

async fn read(
    state: &AppState,
    who: &CurrentOperator,
    mut parts: Multipart,
) -> Result<Sent, WebError> {
    let broken = |error: MultipartError| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            WebError::Bad(StatusCode::PAYLOAD_TOO_LARGE, "a file is too large: 100 MB is the most")
        }
        _ => WebError::Bad(StatusCode::BAD_REQUEST, "the form was cut: send it again"),
    };
    let mut sent = Sent::default();
    while let Some(part) = parts.next_field().await.map_err(broken)? {
        let name = part.name().unwrap_or_default().to_owned();
        if name == "image" || name == "file" {
            let file_name = part.file_name().unwrap_or_default().to_owned();
            let kind = part.content_type().unwrap_or("application/octet-stream").to_owned();
            let bytes = match part.bytes().await {
                Ok(bytes) if bytes.is_empty() => continue,
                Ok(bytes) if bytes.len() > BYTES_MAX => {
                    sent.refused = Some(too_large().at(name));
                    continue;
                }
                Ok(bytes) => bytes.to_vec(),
                // Who breaks off is not there to be answered: this one is longer than can be taken.
                Err(_) => {
                    sent.refused = Some(too_large().at(name));
                    break;
                }
            };
            let (engine, site) = (who.engine(state), who.site.id);
            let put = match name.as_str() {
                "image" => {
                    engine::files::put_picture(&engine, site, &file_name, &kind, bytes).await
                }
                _ => engine::files::put(&engine, site, &file_name, &kind, bytes).await,
            };
            match put {
                Ok(file) if name == "image" => sent.image = Some(file),
                Ok(file) => sent.added.push(file),
                Err(EngineError::Refused(refused)) => sent.refused = Some(refused.at(name)),
                Err(error) => return Err(error.into()),
            }
            continue;
        }
        let text = part.text().await.map_err(broken)?;
        let form = &mut sent.form;
        match name.as_str() {
            "version" => form.version = text,
            "name" => form.name = text,
            "slug" => form.slug = text,
            "summary" => form.summary = text,
            "description" => form.description = text,
            "role" => form.role = text,
            "state" => form.state = text,
            "cost" => form.cost = text,
            "drop" => sent.dropped.extend(text.parse::<FileId>().ok()),
            "kept_file" => sent.added.extend(text.parse::<FileId>().ok()),
            "kept_image" => sent.image = text.parse().ok(),
            _ => {}
        }
    }
    Ok(sent)
}
