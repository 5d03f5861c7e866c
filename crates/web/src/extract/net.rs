//! Which network a request comes from: for back-off in memory, never stored, never shown.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Once;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use model::Refused;

use crate::state::AppState;

/// Bits that make neighbours one network: an IPv4 /24, an IPv6 /64.
const V4_BITS: u32 = 24;
const V6_BITS: u32 = 64;

/// A range of addresses: `10.0.0.0/8`, `::1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Net {
    address: u128,
    bits: u32,
}

impl FromStr for Net {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let wrong = || Refused::new("net_invalid", "write a network as 10.0.0.0/8 or 192.0.2.7");
        let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let address: IpAddr = address.trim().parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits: u32 = match bits {
            Some(bits) => bits.trim().parse().map_err(|_| wrong())?,
            None => most,
        };
        if bits > most {
            return Err(wrong());
        }
        Ok(Self { address: number(address), bits: bits + (128 - most) })
    }
}

impl Net {
    /// Whether the address lies in the range.
    pub fn contains(self, address: IpAddr) -> bool {
        let mask = u128::MAX.checked_shl(128 - self.bits).unwrap_or(0);
        (number(address) & mask) == (self.address & mask)
    }
}

/// IPv4 addresses stand in the mapped range, so that one comparison serves both.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// The network a request comes from, as text for a bucket's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientNet(pub String);

impl FromRequestParts<AppState> for ClientNet {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let trusted = &state.settings.trusted_proxies;
        Ok(Self(network(client(peer, &parts.headers, trusted))))
    }
}

/// The nearest address that is no trusted proxy: from the right of `X-Forwarded-For`, and only
/// where the connection itself comes from a trusted proxy.
fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[Net]) -> IpAddr {
    static WARNED: Once = Once::new();
    let is_trusted = |address: IpAddr| trusted.iter().any(|net| net.contains(address));
    let said: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    if !said.is_empty() && !is_trusted(peer) {
        WARNED.call_once(|| {
            tracing::warn!(
                "X-Forwarded-For is ignored: name the proxy in server.trusted_proxies to believe it"
            );
        });
        return peer;
    }
    let mut nearest = peer;
    for hop in said.iter().rev() {
        let Ok(address) = hop.trim().parse::<IpAddr>() else { break };
        nearest = address;
        if !is_trusted(address) {
            break;
        }
    }
    nearest
}

fn network(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => {
            Ipv4Addr::from_bits(v4.to_bits() & (u32::MAX << (32 - V4_BITS))).to_string()
        }
        IpAddr::V6(v6) => {
            Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << (128 - V6_BITS))).to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(peer: &str, said: &str, trusted: &[Net]) -> String {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", said.parse().unwrap());
        network(client(peer.parse().unwrap(), &headers, trusted))
    }

    #[test]
    fn g09_a_forwarded_address_is_believed_from_trusted_proxies_only() {
        let proxy: Net = "10.0.0.0/8".parse().unwrap();
        assert_eq!(asked("192.0.2.9", "203.0.113.5", &[]), "192.0.2.0");
        assert_eq!(asked("192.0.2.9", "203.0.113.5", &[proxy]), "192.0.2.0");
        assert_eq!(asked("10.1.2.3", "203.0.113.5", &[proxy]), "203.0.113.0");
        // What stands left of the nearest stranger is that stranger's own claim.
        assert_eq!(asked("10.1.2.3", "1.1.1.1, 203.0.113.5, 10.9.9.9", &[proxy]), "203.0.113.0");
        assert_eq!(asked("10.1.2.3", "nonsense", &[proxy]), "10.1.2.0");
    }

    #[test]
    fn a_range_is_read_and_refused() {
        assert!("10.0.0.0/33".parse::<Net>().is_err());
        assert!("shop".parse::<Net>().is_err());
        assert!("::1".parse::<Net>().unwrap().contains("::1".parse().unwrap()));
        assert!("0.0.0.0/0".parse::<Net>().unwrap().contains("8.8.8.8".parse().unwrap()));
        assert!(!"192.0.2.7".parse::<Net>().unwrap().contains("192.0.2.8".parse().unwrap()));
    }
}
