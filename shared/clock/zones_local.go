//go:build tocsin_local

package clock

// On Lambda the zones lie beside the binary; a machine need not have them.
import _ "time/tzdata"
