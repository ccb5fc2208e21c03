package policy

import (
	"context"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

func TestAnExplanationIsTheEvaluationWithWhatItTook(t *testing.T) {
	for _, test := range []struct {
		source string
		holds  bool
		class  Class
		reads  []string
	}{
		{`body.repository.owner.login == "acme" && event == "push"`, true, "", []string{"body.repository.owner.login", "event"}},
		{`body.missing == 1`, false, MissingKey, []string{"body.missing"}},
		{`body.labels[0] == "bug" || header["x-a"] == "b"`, true, "", []string{`body.labels[0]`}},
		{`has(body.missing) && body.missing.deep == 1 || body.repository.owner.login == "acme" ? event == "push" : id == "x"`, true, "", []string{"body.missing", "body.repository.owner.login", "event"}},
		{`body.labels[0] == "x" || header["x-a"] == "b"`, true, "", []string{`body.labels[0]`, `header["x-a"]`}},
		{`body.labels.exists(l, l == "bug")`, true, "", []string{"body.labels"}},
		{`has(body.labels)`, true, "", []string{"body.labels"}},
		{`true`, true, "", nil},
	} {
		delivery := func() *Delivery {
			return &Delivery{Event: "push", Header: http.Header{"X-A": {"b"}}, Body: []byte(`{"repository":{"owner":{"login":"acme"}},"labels":["bug"]}`)}
		}
		e, err := Compile(test.source)
		if err != nil {
			t.Fatal(err)
		}
		x, err := e.Explain(context.Background(), delivery())
		if err != nil {
			t.Fatal(err)
		}
		holds, evalErr := e.eval(context.Background(), delivery())
		if x.Holds != holds || x.Holds != test.holds || !reflect.DeepEqual(x.Err, evalErr) || (x.Err != nil) != (test.class != "") || x.Err != nil && x.Err.Class != test.class {
			t.Errorf("%s: got %+v, Eval %t %v", test.source, x, holds, evalErr)
		}
		if !reflect.DeepEqual(x.Reads, test.reads) {
			t.Errorf("%s: reads %q", test.source, x.Reads)
		}
		if strings.Contains(test.source, "body") && (x.Stepped == 0 || x.Err == nil && x.Cost == 0) {
			t.Errorf("%s: cost %d, stepped over %d", test.source, x.Cost, x.Stepped)
		}
	}
}

// What a comprehension costs grows with what it goes through.
func TestAnExplanationCountsElements(t *testing.T) {
	e, err := Compile(`body.all(n, n < 10)`)
	if err != nil {
		t.Fatal(err)
	}
	var costs []uint64
	for _, body := range []string{"[1]", "[1,2,3,4,5,6,7,8]"} {
		x, err := e.Explain(context.Background(), &Delivery{Body: []byte(body)})
		if err != nil || !x.Holds {
			t.Fatalf("got %+v, %v", x, err)
		}
		costs = append(costs, x.Cost)
	}
	if costs[1] < 4*costs[0] {
		t.Errorf("got costs %d", costs)
	}
}
