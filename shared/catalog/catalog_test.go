package catalog_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"tocsin/shared/catalog"
	"tocsin/shared/catalog/storetest"
	"tocsin/shared/fault"
	"tocsin/tests/dynamo"
)

func TestStoreOnDynamoDBLocal(t *testing.T) { storetest.TestStoreSuite(t, dynamo.Start(t)) }

func TestContactValidate(t *testing.T) {
	for _, c := range []struct {
		name    string
		channel catalog.Channel
		address string
		want    []string // bad fields
	}{
		{"mail address", catalog.Email, "ann.o'hara+oncall@mail.example.com", nil},
		{"mail address with a name", catalog.Email, "Ann <ann@example.com>", []string{"address"}},
		{"two mail addresses", catalog.Email, "a@example.com, b@example.com", []string{"address"}},
		{"no domain", catalog.Email, "ann", []string{"address"}},
		{"header injection", catalog.Email, "ann@example.com\r\nBcc: x@example.com", []string{"address"}},
		{"quoted local part", catalog.Email, `"a b"@example.com`, []string{"address"}},
		{"address literal", catalog.Email, "ann@[127.0.0.1]", []string{"address"}},
		{"mail address too long", catalog.Email, strings.Repeat("a", 60) + "@" + strings.Repeat("b.", 100) + "com", []string{"address"}},
		{"topic", catalog.Ntfy, "ops_ann-1", nil},
		{"topic with a slash", catalog.Ntfy, "ops/ann", []string{"address"}},
		{"topic too long", catalog.Ntfy, strings.Repeat("a", 65), []string{"address"}},
		{"topic URL", catalog.Ntfy, "https://ntfy.example.com/ops", nil},
		{"topic URL below a path", catalog.Ntfy, "https://example.com/ntfy/ops", nil},
		{"plain http", catalog.Ntfy, "http://ntfy.example.com/ops", []string{"address"}},
		{"URL without topic", catalog.Ntfy, "https://ntfy.example.com/", []string{"address"}},
		{"URL without host", catalog.Ntfy, "https:///ops", []string{"address"}},
		{"URL with a password", catalog.Ntfy, "https://u:p@ntfy.example.com/ops", []string{"address"}},
		{"URL with a query", catalog.Ntfy, "https://ntfy.example.com/ops?auth=x", []string{"address"}},
		{"empty", catalog.Ntfy, "", []string{"address"}},
		{"unknown channel", "fax", "1", []string{"channel"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			contact := catalog.Contact{ID: "c1", Member: "ann", Channel: c.channel, Address: c.address}
			if got := badFields(contact.Validate()); !reflect.DeepEqual(got, c.want) {
				t.Errorf("bad fields %q, want %q", got, c.want)
			}
		})
	}
}

func TestContactValidateNamesEveryBadFieldAndNoAddress(t *testing.T) {
	err := catalog.Contact{ID: "X", Member: "", Channel: catalog.Email, Address: "secret-address"}.Validate()
	if got, want := badFields(err), []string{"id", "member", "address"}; !reflect.DeepEqual(got, want) {
		t.Errorf("bad fields %q, want %q", got, want)
	}
	if strings.Contains(err.Error(), "secret-address") {
		t.Errorf("the error tells the address: %v", err)
	}
}

func badFields(err error) []string {
	var fields []string
	if e, ok := errors.AsType[*fault.Error](err); ok {
		for _, f := range e.Fields {
			fields = append(fields, f.Path)
		}
	}
	return fields
}
