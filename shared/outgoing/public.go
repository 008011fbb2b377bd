package outgoing

import (
	"net/netip"
	"sync"
)

// Public reports whether an address is one of the public internet. IPv6 forms
// that carry an IPv4 address are refused, for whoever means that address can
// say so; but for 64:ff9b::/96, by which hosts without IPv4 reach all of it:
// there the address inside decides.
func Public(a netip.Addr) bool {
	if !a.IsValid() || a.Is4In6() || a.Zone() != "" {
		return false
	}
	if translated.Contains(a) {
		b := a.As16()
		return Public(netip.AddrFrom4([4]byte(b[12:])))
	}
	if a.Is6() && !globalUnicast.Contains(a) {
		return false
	}
	for _, p := range reserved() {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// Only 2000::/3 is given out for hosts (IANA, "Internet Protocol Version 6
// Address Space"); loopback, link-local, unique local (with the metadata
// address fd00:ec2::254), multicast and mapped addresses lie outside.
var (
	globalUnicast = netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20}), 3)
	translated    = netip.PrefixFrom(netip.AddrFrom16([16]byte{0, 0x64, 0xff, 0x9b}), 96) // RFC 6052
)

// reserved follows the IANA registries "IPv4 Special-Purpose Address Space"
// and "IPv6 Special-Purpose Address Space".
var reserved = sync.OnceValue(func() []netip.Prefix {
	var all []netip.Prefix
	for _, text := range []string{
		"0.0.0.0/8",       // this network
		"10.0.0.0/8",      // private
		"100.64.0.0/10",   // carriers' NAT
		"127.0.0.0/8",     // loopback
		"169.254.0.0/16",  // link-local, with the metadata address 169.254.169.254
		"172.16.0.0/12",   // private
		"192.0.0.0/24",    // protocol assignments
		"192.0.2.0/24",    // documentation
		"192.88.99.0/24",  // 6to4 relays
		"192.168.0.0/16",  // private
		"198.18.0.0/15",   // benchmarks
		"198.51.100.0/24", // documentation
		"203.0.113.0/24",  // documentation
		"224.0.0.0/4",     // multicast
		"240.0.0.0/4",     // reserved, with broadcast
		"2001::/23",       // protocol assignments, with Teredo
		"2001:db8::/32",   // documentation
		"2002::/16",       // 6to4: an IPv4 address inside
		"3fff::/20",       // documentation
	} {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
})
