//! The page, inside the program: built by Vite into `controller/web/dist`, embedded when the program is built.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "../web/dist"]
struct Files;

const INDEX: &str = "index.html";
/// Files whose names hold a hash of their content.
const HASHED: &str = "assets/";
const FOREVER: &str = "public, max-age=31536000, immutable";
const ASK_AGAIN: &str = "no-cache";
/// Nothing from anywhere else, and nobody may frame it. Styles set on elements need 'unsafe-inline'.
const POLICY: &str = "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; \
                      object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// A file of the page; a path without an extension is a place within the page.
pub(super) async fn asset(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD")]).into_response();
    }
    let path = uri.path().trim_start_matches('/');
    let is_place = !path.rsplit('/').next().unwrap_or_default().contains('.');
    let found = match Files::get(path) {
        Some(file) if !path.is_empty() => Some((path, file)),
        Some(_) | None if is_place => Files::get(INDEX).map(|file| (INDEX, file)),
        Some(_) | None => None,
    };
    match found {
        Some((path, file)) => answer(path, file, &headers),
        None => (StatusCode::NOT_FOUND, "no such page\n").into_response(),
    }
}

fn answer(path: &str, file: EmbeddedFile, headers: &HeaderMap) -> Response {
    let tag: String = file.metadata.sha256_hash()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    let has_it = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let body = if has_it { Body::empty() } else { Body::from(file.data) };
    let mut response = Response::new(body);
    if has_it {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let age = if path.starts_with(HASHED) { FOREVER } else { ASK_AGAIN };
    for (name, value) in [
        (header::CONTENT_TYPE, kind(file.metadata.mimetype())),
        (header::CACHE_CONTROL, age.to_owned()),
        (header::ETAG, tag),
        (header::CONTENT_SECURITY_POLICY, POLICY.to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Text is UTF-8, always.
fn kind(mime: &str) -> String {
    let is_text = mime.starts_with("text/") || mime.ends_with("javascript");
    if is_text { format!("{mime}; charset=utf-8") } else { mime.to_owned() }
}
