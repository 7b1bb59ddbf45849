package apigwtest

import (
	"slices"
	"strings"
	"testing"
)

// Files of cases come from elsewhere: none of these may stop the others.
func TestRead(t *testing.T) {
	const config = `"config":{"api":"REST","stage":"prod","ttl":"0"}`
	file := "\uFEFF# a comment\r\n\r\n// another\r\n" + strings.Join([]string{
		`{"expected":{"status":"200","content_length":2},"authorizer_output":{"kind":"result","value":{}},"request_or_event":{"path":"/","method":"GET","headers":null},` + config + `,"authorizer_type":"TOKEN","id":"good"}`,
		`{"id":"more","authorizer_type":"TOKEN",` + config + `,"request_or_event":null,"expected":{"status":null,"colour":"red"}}`,
		`{"id":"config","authorizer_type":"TOKEN","config":{"api":"REST","colour":"red"},"expected":{}}`,
		`{"id":"request","authorizer_type":"TOKEN",` + config + `,"request_or_event":{"colour":"red"},"expected":{}}`,
		`{"id":"output","authorizer_type":"TOKEN",` + config + `,"request_or_event":{"path":"/"},"authorizer_output":{"kind":"red"},"expected":{}}`,
		`{"id":"kind","authorizer_type":"RED",` + config + `,"expected":{}}`,
		`no case`,
	}, "\r\n")
	cases, err := Read(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) != 7 {
		t.Fatalf("%d cases, want 7", len(cases))
	}
	good, more := cases[0], cases[1]
	if good.LeftOut != "" || len(good.Unchecked) > 0 || *good.Expected.Status != 200 || *good.API.Default.Authorizer.TTL != 0 {
		t.Errorf("%+v", good)
	}
	if more.LeftOut != "" || !slices.Equal(more.Unchecked, []string{"colour"}) {
		t.Errorf("left out %q, unchecked %v", more.LeftOut, more.Unchecked)
	}
	for i, want := range map[int]string{2: "colour", 3: "colour", 4: `"red"`, 5: "RED", 6: "invalid character"} {
		if c := cases[i]; !strings.Contains(c.LeftOut, want) {
			t.Errorf("%s is left out for %q, want a word of %s", c.ID, c.LeftOut, want)
		}
	}
}
