//! Whom the proxy in front says that it speaks for. The addresses are those reserved for
//! benchmarks.

/// Attackers come from so many addresses: more than one angry person has, and few enough that the
/// limits of an address are what they run into.
const ATTACKERS: u64 = 32;

/// What the proxy says of a bystander's connection: no two have one address.
pub(crate) fn of_bystander(index: usize) -> String {
    introduction(18, index as u64)
}

/// What the proxy says of an attacker's connection.
pub(super) fn of_attacker(number: u64) -> String {
    introduction(19, number % ATTACKERS)
}

/// A header of the PROXY protocol, version 1.
fn introduction(network: u8, host: u64) -> String {
    let (third, fourth) = (host / 256 % 256, host % 256);
    format!("PROXY TCP4 198.{network}.{third}.{fourth} 127.0.0.1 4711 8080\r\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn bystanders_have_an_address_each_and_attackers_share_some() {
        let bystanders: BTreeSet<String> = (0..1000).map(of_bystander).collect();
        let attackers: BTreeSet<String> = (0..1000).map(of_attacker).collect();
        assert_eq!(bystanders.len(), 1000);
        assert_eq!(attackers.len() as u64, ATTACKERS);
        assert!(bystanders.is_disjoint(&attackers));
        let line = "PROXY TCP4 198.18.1.2 127.0.0.1 4711 8080\r\n";
        assert_eq!(of_bystander(258), line);
    }
}
