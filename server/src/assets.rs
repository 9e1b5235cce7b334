//! The browser's files: found wherever the program was put, and served with the right to be kept.

use std::path::{Path, PathBuf};

use axum::Router;
use http::{HeaderValue, header};
use tower_http::{services::ServeDir, set_header::SetResponseHeaderLayer};

use crate::state::AppState;

/// Where the browser's files are: where the settings say, else in `site` beside the program, else in the workspace that
/// the program was built in.
pub fn find_site_dir(configured: Option<&Path>) -> PathBuf {
    if let Some(dir) = configured {
        return dir.to_owned();
    }
    let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join("site")));
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/site");
    let has_files = |dir: &PathBuf| dir.join("pkg").is_dir();
    beside.into_iter().chain([workspace.clone()]).find(has_files).unwrap_or(workspace)
}

/// `/pkg/*` and the icon. Asked for again each time and mostly answered with a 304: their names do not say their version.
pub(crate) fn routes(site_dir: &Path) -> Router<AppState> {
    let fresh = SetResponseHeaderLayer::overriding(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Router::new()
        .nest_service("/pkg", ServeDir::new(site_dir.join("pkg")))
        .nest_service("/favicon.svg", tower_http::services::ServeFile::new(site_dir.join("favicon.svg")))
        .layer(fresh)
}
