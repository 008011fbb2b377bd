// Package structure holds tests of what no other test runs into: that
// template, state machines, permissions, imports and texts fit each other and
// the rules of the design. It needs no service and no network.
package structure
