//! What a browser says it is, in a few words.
//!
//! A `User-Agent` is a claim, and a vague one: it names the kind of browser and of system, and it is shown so that people
//! tell their own devices apart. Nothing is decided by it.

/// Browsers by what only they say, the more particular first: most of them also claim to be Chrome, and that to be Safari.
const BROWSERS: [(&str, &str); 13] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("OPT/", "Opera"),
    ("Vivaldi/", "Vivaldi"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("DuckDuckGo/", "DuckDuckGo"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// Systems, the more particular first: Android claims to be Linux, and an iPhone to be like a Mac.
const SYSTEMS: [(&str, &str); 8] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "macOS"),
    ("X11; FreeBSD", "FreeBSD"),
    ("Linux", "Linux"),
];

/// The device that sends this `User-Agent`: `Firefox on Linux`, `curl`, or that it is not known.
pub fn device(user_agent: Option<&str>) -> String {
    const UNKNOWN: &str = "Unknown device";
    let Some(text) = user_agent.map(str::trim).filter(|text| !text.is_empty()) else { return UNKNOWN.to_owned() };
    let named = |names: &[(&str, &'static str)]| names.iter().find(|(mark, _)| text.contains(mark)).map(|(_, name)| *name);
    match (named(&BROWSERS), named(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        // No browser: what it calls itself, without its version.
        (None, system) => {
            let name = text.split(['/', ' ']).next().unwrap_or_default();
            let name: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
            match (name.as_str(), system) {
                ("" | "Mozilla", Some(system)) => format!("Unknown browser on {system}"),
                ("" | "Mozilla", None) => UNKNOWN.to_owned(),
                (name, Some(system)) => format!("{name} on {system}"),
                (name, None) => name.to_owned(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::device;

    #[test]
    fn a_device_is_what_its_browser_says() {
        const WEBKIT: &str = "AppleWebKit/537.36 (KHTML, like Gecko)";
        for (user_agent, said) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0".to_owned(), "Firefox on Linux"),
            (format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/141.0.0.0 Safari/537.36"), "Chrome on Windows"),
            (format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0"), "Edge on Windows"),
            (format!("Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/141.0.0.0 Mobile Safari/537.36"), "Chrome on Android"),
            (format!("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/141.0.0.0 Safari/537.36"), "Chrome on ChromeOS"),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 Version/18.6 Mobile/15E148 Safari/604.1"
                    .to_owned(),
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 CriOS/141.0 Mobile/15E148 Safari/604.1".to_owned(),
                "Chrome on iPad",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/26.0 Safari/605.1.15".to_owned(),
                "Safari on macOS",
            ),
            ("curl/8.5.0".to_owned(), "curl"),
            ("rollcall/0.1.0 (Linux)".to_owned(), "rollcall on Linux"),
            ("Mozilla/5.0 (X11; Linux x86_64)".to_owned(), "Unknown browser on Linux"),
            ("Mozilla/5.0".to_owned(), "Unknown device"),
            ("  ".to_owned(), "Unknown device"),
        ] {
            assert_eq!(device(Some(&user_agent)), said, "{user_agent}");
        }
        assert_eq!(device(None), "Unknown device");
    }
}
