package jsonpath

import (
	"errors"
	"math"
	"testing"
)

func parse(t *testing.T, text string) Value {
	t.Helper()
	v, err := Parse([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

func TestNumbersAreNeverRoundedToAnotherType(t *testing.T) {
	for _, tt := range []struct {
		text string
		want any
	}{
		{"0", int64(0)},
		{"-0", int64(0)},
		{"-9223372036854775808", int64(math.MinInt64)},
		{"9223372036854775807", int64(math.MaxInt64)},
		{"9223372036854775808", uint64(1 << 63)},
		{"18446744073709551615", uint64(math.MaxUint64)},
		{"9007199254740993", int64(9007199254740993)},
		{"1.0", 1.0},
		{"1e3", 1000.0},
		{"1E-3", 0.001},
		{"-1.5e+2", -150.0},
		{"1e-400", 0.0},
		{" 7\n", int64(7)},
	} {
		got, err := parse(t, tt.text).Number()
		if err != nil || got != tt.want {
			t.Errorf("%s: got %T %v, %v; want %T %v", tt.text, got, got, err, tt.want, tt.want)
		}
	}
	for _, tt := range []struct {
		text string
		want error
	}{
		{"18446744073709551616", ErrRange},
		{"-9223372036854775809", ErrRange},
		{"1e400", ErrRange},
		{"01", ErrSyntax},
		{"-", ErrSyntax},
		{"-a", ErrSyntax},
		{"1.", ErrSyntax},
		{"1.e1", ErrSyntax},
		{"1e", ErrSyntax},
		{"1e+", ErrSyntax},
		{"1-2", ErrSyntax},
		{"0x10", ErrSyntax},
		{"1_000", ErrSyntax},
		{"1 2", ErrSyntax},
		{`"1"`, ErrType},
		{"null", ErrType},
	} {
		if got, err := parse(t, tt.text).Number(); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, %v; want %v", tt.text, got, err, tt.want)
		}
	}
}

func TestTextIsDecodedStrictly(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{`""`, ""},
		{`"plain"`, "plain"},
		{`"\"\\\/\b\f\n\r\t"`, "\"\\/\b\f\n\r\t"},
		{`"\u00e9\u4E16"`, "é世"},
		{`"\ud83d\ude00"`, "😀"},
		{`"é世😀"`, "é世😀"},
		{`"\u0000"`, "\x00"},
		{`"a\\"`, `a\`},
	} {
		if got, err := parse(t, tt.text).Text(); err != nil || got != tt.want {
			t.Errorf("%s: got %q, %v; want %q", tt.text, got, err, tt.want)
		}
	}
	for _, text := range []string{
		`"`, `"\"`, `"\`, `"\\\"`, `"\x"`, `"\u12"`, `"\u12g4"`, `"\u+123"`,
		`"\ud83d"`, `"\ud83dx"`, `"\ud83d\n"`, `"\ud83d\u0041"`, `"\ude00"`, `"\ude00\ud83d"`,
		"\"\xff\"", "\"\xed\xa0\x80\"", "\"\x01\"", "\"a\nb\"", `"a" "b"`,
	} {
		if got, err := parse(t, text).Text(); !errors.Is(err, ErrSyntax) {
			t.Errorf("%q: got %q, %v; want %v", text, got, err, ErrSyntax)
		}
	}
	if _, err := parse(t, "1").Text(); !errors.Is(err, ErrType) {
		t.Errorf("the text of a number: %v", err)
	}
}

func TestLiteralsAreReadToTheirEnd(t *testing.T) {
	if got, err := parse(t, " true ").Bool(); err != nil || !got {
		t.Errorf("true: %v, %v", got, err)
	}
	if got, err := parse(t, "false").Bool(); err != nil || got {
		t.Errorf("false: %v, %v", got, err)
	}
	if got, err := parse(t, "null").IsNull(); err != nil || !got {
		t.Errorf("null: %v, %v", got, err)
	}
	if got, err := parse(t, "[]").IsNull(); err != nil || got {
		t.Errorf("[]: %v, %v", got, err)
	}
	for _, text := range []string{"tru", "truex", "true x", "fals"} {
		if _, err := parse(t, text).Bool(); !errors.Is(err, ErrSyntax) {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{"nul", "nullx", "null null"} {
		if _, err := parse(t, text).IsNull(); !errors.Is(err, ErrSyntax) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := parse(t, "null").Bool(); !errors.Is(err, ErrType) {
		t.Errorf("null as a boolean: %v", err)
	}
}

func TestScalarKeepsTheSpelling(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{`"evt_1"`, "evt_1"},
		{"1.50", "1.50"},
		{"99999999999999999999999", "99999999999999999999999"},
		{"true", "true"},
		{"false", "false"},
	} {
		if got, err := parse(t, tt.text).Scalar(); err != nil || got != tt.want {
			t.Errorf("%s: got %q, %v", tt.text, got, err)
		}
	}
	for _, text := range []string{"null", "[]", "{}"} {
		if _, err := parse(t, text).Scalar(); !errors.Is(err, ErrType) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// The zero Value once said of itself that it was not null.
func TestZeroValueIsMissing(t *testing.T) {
	var v Value
	_, nullErr := v.IsNull()
	_, boolErr := v.Bool()
	_, textErr := v.Text()
	_, numberErr := v.Number()
	_, scalarErr := v.Scalar()
	_, getErr := v.Get("a")
	_, indexErr := v.Index(0)
	_, elementsErr := v.Elements()
	_, keysErr := v.Keys()
	for name, err := range map[string]error{
		"IsNull": nullErr, "Bool": boolErr, "Text": textErr, "Number": numberErr, "Scalar": scalarErr,
		"Get": getErr, "Index": indexErr, "Elements": elementsErr, "Keys": keysErr, "Check": v.Check(10),
	} {
		if !errors.Is(err, ErrMissing) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
