//! The few things that only a browser can do. On the server they do nothing, and nothing there calls them.

/// Load the page again from the server, which sends a signed-out person to the sign-in page and back.
pub fn reload() {
    #[cfg(feature = "hydrate")]
    let _ = leptos::prelude::window().location().reload();
}

/// Go to another page, by the server.
pub fn go(path: &str) {
    #[cfg(feature = "hydrate")]
    let _ = leptos::prelude::window().location().set_href(path);
    #[cfg(not(feature = "hydrate"))]
    let _ = path;
}

/// Ask the browser to print the page.
pub fn print() {
    #[cfg(feature = "hydrate")]
    let _ = leptos::prelude::window().print();
}

/// Move the focus to the element with this id, and scroll it into view.
pub fn focus(id: &str) {
    #[cfg(feature = "hydrate")]
    if let Some(element) = element(id) {
        let _ = element.focus();
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = id;
}

/// Empty the input with this id.
pub fn clear(id: &str) {
    #[cfg(feature = "hydrate")]
    if let Some(input) = element(id).and_then(|element| leptos::wasm_bindgen::JsCast::dyn_into::<web_sys::HtmlInputElement>(element).ok()) {
        input.set_value("");
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = id;
}

/// Whether the focus is in a form that searches: what it finds is shown without taking the focus away from it.
pub fn is_searching() -> bool {
    #[cfg(feature = "hydrate")]
    {
        let active = leptos::prelude::document().active_element();
        active.and_then(|active| active.closest("[role=search]").ok().flatten()).is_some()
    }
    #[cfg(not(feature = "hydrate"))]
    false
}

/// Put `text` on the clipboard; where that is not allowed (plain http, for one), select the element `id` that shows it,
/// so that one key press copies it. Answers whether the text is on the clipboard.
pub async fn copy(text: &str, id: &str) -> bool {
    #[cfg(feature = "hydrate")]
    {
        use wasm_bindgen_futures::JsFuture;
        let window = leptos::prelude::window();
        if window.is_secure_context() && JsFuture::from(window.navigator().clipboard().write_text(text)).await.is_ok() {
            return true;
        }
        if let (Some(element), Ok(Some(selection))) = (element(id), window.get_selection()) {
            let _ = selection.select_all_children(&element);
        }
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = (text, id);
    false
}

/// Mark the document as come to life. Until then the stylesheet hides what would not work.
pub fn mark_hydrated() {
    #[cfg(feature = "hydrate")]
    if let Some(body) = leptos::prelude::document().body() {
        let _ = body.set_attribute("data-hydrated", "");
    }
}

#[cfg(feature = "hydrate")]
fn element(id: &str) -> Option<web_sys::HtmlElement> {
    use leptos::wasm_bindgen::JsCast;
    leptos::prelude::document().get_element_by_id(id)?.dyn_into().ok()
}
