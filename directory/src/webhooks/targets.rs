//! Where events may be sent: to the internet, and nowhere else that the operator has not named. Whoever may make an endpoint chooses
//! an address that this server then calls, so addresses that only this server can reach are refused (OWASP: server-side request
//! forgery).

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use domain::{Invalid, event::LONGEST_URL};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use url::{Host, Url};

/// What is not the internet, by IANA's registry of special-purpose addresses: this machine, private and shared networks, link-local
/// (with the metadata services of clouds, of which Azure's has an address of its own), documentation, benchmarks, multicast, reserved.
const NOT_V4: [(Ipv4Addr, u8); 17] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 31, 196, 0), 24),
    (Ipv4Addr::new(192, 52, 193, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];
/// The part of IPv6 that is the internet, and what of that part is not: protocol assignments with Teredo, documentation, 6to4 (which
/// leads to any IPv4 address).
const V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
const NOT_V6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Where events may be sent. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Targets(Arc<[IpNet]>);

impl Targets {
    /// The internet, and these networks of the operator's own.
    pub fn new(allowed: Vec<IpNet>) -> Self {
        Self(allowed.into())
    }

    /// Whether an address may be called.
    pub fn allow(&self, ip: IpAddr) -> bool {
        // An IPv4 address in IPv6's clothes is an IPv4 address.
        let ip = ip.to_canonical();
        self.named(ip) || is_internet(ip)
    }

    /// Whether the operator has named the address.
    fn named(&self, ip: IpAddr) -> bool {
        self.0.iter().any(|net| net.contains(&ip))
    }

    /// An endpoint's address that may be called, as far as its text tells; where a name leads to is looked at on each call.
    ///
    /// # Errors
    /// A sentence for whoever typed it, at the field `url`.
    pub fn check(&self, text: &str) -> Result<Url, Invalid> {
        let wrong = |sentence: &str| Invalid::new("url", sentence);
        let text = text.trim();
        if text.chars().count() > LONGEST_URL {
            return Err(wrong("An address has at most 2,000 characters."));
        }
        let url = Url::parse(text).map_err(|_| wrong("Enter a whole address, such as https://events.example.com/rollcall."))?;
        let literal = match url.host() {
            Some(Host::Ipv4(ip)) => Some(IpAddr::V4(ip)),
            Some(Host::Ipv6(ip)) => Some(IpAddr::V6(ip)),
            Some(Host::Domain(name)) if is_localhost(name) => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            Some(Host::Domain(_)) => None,
            None => return Err(wrong("Enter a whole address, such as https://events.example.com/rollcall.")),
        };
        match url.scheme() {
            "https" => {}
            "http" if literal.is_some_and(|ip| self.named(ip.to_canonical())) => {}
            _ => return Err(wrong("The address has to begin with https://, so that nobody reads along.")),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("Leave user name and password out of the address: deliveries are signed instead."));
        }
        if url.fragment().is_some() {
            return Err(wrong("Leave out what follows the #: it is never sent."));
        }
        if literal.is_some_and(|ip| !self.allow(ip)) {
            return Err(wrong("This address is not on the internet. Only the operator of this server can allow networks of its own."));
        }
        Ok(url)
    }
}

/// Whether a name means this machine (RFC 6761 §6.3).
fn is_localhost(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost")
}

fn is_internet(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !NOT_V4.iter().any(|(net, prefix)| Ipv4Net::new_assert(*net, *prefix).contains(&ip)),
        IpAddr::V6(ip) => {
            Ipv6Net::new_assert(V6.0, V6.1).contains(&ip)
                && !NOT_V6.iter().any(|(net, prefix)| Ipv6Net::new_assert(*net, *prefix).contains(&ip))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_this_server_can_reach_is_refused_in_every_spelling() {
        let targets = Targets::default();
        for url in [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f.0.0.1/",
            "https://0177.0.0.1/",
            "https://localhost/",
            "https://LOCALHOST./",
            "https://a.localhost:8443/",
            "https://0.0.0.0/",
            "https://10.1.2.3/",
            "https://172.31.255.255/",
            "https://192.168.0.1/",
            "https://100.100.100.200/",
            "https://169.254.169.254/latest/meta-data/",
            "https://168.63.129.16/machine",
            "https://[::1]/",
            "https://[::]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:a9fe:a9fe]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[2002:7f00:1::]/",
            "https://[2001:0:1::]/",
            "https://[fd00:ec2::254]/",
            "https://[fe80::1]/",
            "https://[fec0::1]/",
            "https://[ff02::1]/",
            "https://224.0.0.1/",
            "https://255.255.255.255/",
        ] {
            let error = targets.check(url).expect_err(url);
            assert!(error.sentence.contains("not on the internet"), "{url}: {error}");
        }
    }

    #[test]
    fn an_address_that_is_none_is_refused_with_what_would_be_right() {
        let targets = Targets::default();
        for (url, hint) in [
            ("", "whole address"),
            ("events.example.com", "whole address"),
            ("http://events.example.com/", "https://"),
            ("ftp://events.example.com/", "https://"),
            ("javascript:alert(1)", "whole address"),
            ("https://eve:secret@events.example.com/", "user name"),
            ("https://events.example.com/#top", "#"),
            (&format!("https://events.example.com/{}", "a".repeat(LONGEST_URL)), "2,000"),
        ] {
            assert!(targets.check(url).expect_err(url).sentence.contains(hint), "{url}");
        }
        for url in ["https://events.example.com/rollcall?tenant=1", " https://8.8.8.8:8443/x ", "https://[2606:4700::1111]/"] {
            targets.check(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        }
    }

    #[test]
    fn the_operator_can_name_networks_of_its_own() {
        let targets = Targets::new(vec!["10.20.0.0/16".parse().unwrap(), "127.0.0.1/32".parse().unwrap()]);
        for url in ["https://10.20.1.1/", "http://10.20.1.1:8080/", "http://localhost:9000/", "http://[::ffff:10.20.0.1]/"] {
            targets.check(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        }
        for url in ["https://10.21.1.1/", "http://events.example.com/", "https://127.0.0.2/", "https://169.254.169.254/"] {
            assert!(targets.check(url).is_err(), "{url}");
        }
    }
}
