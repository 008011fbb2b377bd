package main

import (
	"time"

	"github.com/golang-jwt/jwt/v5"

	"tocsin/shared/actionlink"
)

// claims say in a JWT what a link's token says.
type claims struct {
	Event   int64  `json:"event"`
	Opening int    `json:"opening"`
	Actions int    `json:"actions"`
	Member  string `json:"member"`
	jwt.RegisteredClaims
}

// links compares the verification of a link with that of an HS256 token.
func links() ([]row, error) {
	now := time.Now()
	ring, err := actionlink.NewRing(now.Add(-time.Hour))
	if err != nil {
		return nil, err
	}
	token, err := actionlink.Sign(ring, now, actionlink.Claims{Kind: actionlink.Event, Number: 4821, Opening: 1, Actions: 3, Expires: now.Add(time.Hour)})
	if err != nil {
		return nil, err
	}
	if _, err := actionlink.Verify(ring, now, token); err != nil {
		return nil, err
	}
	secret := []byte("0123456789abcdef0123456789abcdef")
	signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims{Event: 4821, Opening: 1, Actions: 3, Member: "alice",
		RegisteredClaims: jwt.RegisteredClaims{ExpiresAt: jwt.NewNumericDate(now.Add(time.Hour)), ID: "n0nce"}}).SignedString(secret)
	if err != nil {
		return nil, err
	}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}))
	key := func(*jwt.Token) (any, error) { return secret, nil }
	verify := func() error { _, err := parser.ParseWithClaims(signed, &claims{}, key); return err }
	if err := verify(); err != nil {
		return nil, err
	}
	c := compare(func() { _, _ = actionlink.Verify(ring, now, token) }, func() { _ = verify() })
	return []row{rowOf("verify a link, beside golang-jwt HS256", c, target{least: 10})}, nil
}
