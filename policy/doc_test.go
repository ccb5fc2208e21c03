package policy

import (
	"context"
	"fmt"
	"go/parser"
	"go/token"
	"net/http"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hookseal/hookseal/internal/jsonpath"
)

const exampleBody = `{"total": 42.5, "currency": "EUR", "test": false, "note": null,
 "customer": {"id": 7, "tags": ["new", "eu"], "e-mail": "ann@example.com"},
 "lines": [{"sku": "A-1", "count": 2}, {"sku": "B-2", "count": 1}],
 "raw": "{\"source\": \"web\"}"}`

// example returns the delivery that the package's doc describes.
func example() *Delivery {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return &Delivery{
		Provider:  "shop",
		Event:     "order.created",
		ID:        "msg_1",
		Key:       "current",
		Timestamp: now.Add(-3 * time.Second),
		Now:       now,
		Method:    "POST",
		Path:      "/hooks/shop",
		RawQuery:  "debug=1",
		Header:    http.Header{"Content-Type": {"application/json"}, "X-Shop-Topic": {"orders/create"}},
		Body:      []byte(exampleBody),
		Client:    netip.MustParseAddr("10.1.2.3"),
	}
}

// eval compiles and evaluates.
func eval(t testing.TB, source string, d *Delivery) (bool, error) {
	t.Helper()
	e, err := Compile(source)
	if err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	return e.Eval(context.Background(), d)
}

// outcome says what an evaluation came to, as the examples in the doc do.
func outcome(t testing.TB, source string, d *Delivery) string {
	t.Helper()
	holds, err := eval(t, source, d)
	switch {
	case err != nil && holds:
		t.Errorf("%s: true together with the error %v", source, err)
		return "both"
	case err != nil:
		return "error: " + string(ClassOf(err))
	case holds:
		return "true"
	}
	return "false"
}

func TestExamplesInTheDocComeOutAsTheySay(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "doc.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	doc := file.Doc.Text()
	if !strings.Contains(doc, "\t"+strings.ReplaceAll(exampleBody, "\n", "\n\t")) {
		t.Error("the doc does not show the body of the examples")
	}
	examples := regexp.MustCompile(`(?m)^\t(.+) // (.+)$`).FindAllStringSubmatch(doc, -1)
	if len(examples) < 35 {
		t.Fatalf("only %d examples found", len(examples))
	}
	for _, m := range examples {
		source, want := m[1], m[2]
		if got := outcome(t, source, example()); got != want {
			t.Errorf("%s\n\tcame to %s, the doc says %s", source, got, want)
		}
	}
	for _, function := range []string{"matches_event(", "cidr(", "parse_json("} {
		if strings.Count(doc, function) < 3 {
			t.Errorf("the doc has no examples of %s", function)
		}
	}
}

func TestLimitsInTheDocAreTheLimits(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "doc.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	doc := strings.Join(strings.Fields(file.Doc.Text()), " ")
	for _, phrase := range []string{
		thousands(maxSource) + " characters",
		"nests " + thousands(maxNesting) + " deep",
		"at most " + thousands(maxComprehensions) + " comprehensions",
		thousands(maxRegexProgram) + " instructions",
		"more than " + thousands(maxUsualCost),
		"have " + thousands(usualSize) + " elements",
		"cost of " + thousands(maxCost),
		"at most " + thousands(maxValues) + " values",
		"more than " + thousands(maxValues) + " fields",
		thousands(jsonpath.MaxDepth) + " brackets",
	} {
		if !strings.Contains(doc, phrase) {
			t.Errorf("the doc does not say %q", phrase)
		}
	}
}

func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}
