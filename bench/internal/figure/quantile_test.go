package figure

import (
	"math"
	"slices"
	"testing"
)

func TestQuantileInterpolatesBetweenNeighbours(t *testing.T) {
	for _, test := range []struct {
		values []float64
		q      float64
		want   float64
	}{
		{[]float64{7}, 0.25, 7},
		{[]float64{7}, 0.99, 7},
		{[]float64{1, 2}, 0, 1},
		{[]float64{1, 2}, 0.5, 1.5},
		{[]float64{1, 2}, 1, 2},
		{[]float64{1, 2, 3}, 0.5, 2},
		{[]float64{1, 2, 3, 4, 5}, 0.25, 2},
		{[]float64{1, 2, 3, 4, 100}, 0.75, 4},
		{[]float64{10, 20, 30, 40}, 0.25, 17.5},
	} {
		if got := Quantile(test.values, test.q); math.Abs(got-test.want) > 1e-9 {
			t.Errorf("Quantile(%v, %v) = %v, want %v", test.values, test.q, got, test.want)
		}
	}
}

func TestQuantileOfNothingIsNotANumber(t *testing.T) {
	if got := Quantile(nil, 0.5); !math.IsNaN(got) {
		t.Errorf("got %v", got)
	}
}

func TestSpreadDoesNotDependOnTheOrder(t *testing.T) {
	values := []float64{5, 1, 4, 2, 3}
	want := Spread{Median: 3, Quartile1: 2, Quartile3: 4}
	if got := SpreadOf(values); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if !slices.Equal(values, []float64{5, 1, 4, 2, 3}) {
		t.Errorf("the rounds were reordered to %v, so they no longer pair", values)
	}
}

// The median of the ratios is not the ratio of the medians: a machine that slows down for a few
// rounds must not show.
func TestRatiosPairValuesOfOneRound(t *testing.T) {
	base := []float64{100, 100, 900}
	values := []float64{110, 880, 990}
	got := SpreadOf(PairedRatios(values, base)).Median
	if math.Abs(got-1.1) > 1e-9 {
		t.Errorf("median ratio %v, want 1.1", got)
	}
}
