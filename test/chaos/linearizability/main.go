// Checks a history of bookings, as clients saw it, against the sequential model of a seat.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"
)

// Broken promises that are told in full; the others are counted.
const violationsToldMax = 20

type report struct {
	Ok         bool `json:"ok"`
	Operations int  `json:"operations"`
	Bookings   int  `json:"bookings"`
	Seats      int  `json:"seats"`
	Partitions int  `json:"partitions"`
	// Partitions too large to be looked at but seat by seat.
	SeatBySeat int `json:"seatBySeat"`
	// Partitions that no order was found for, nor shown to be impossible, in the time there is.
	Undecided  []string    `json:"undecided"`
	Violations int         `json:"violations"`
	Illegal    []violation `json:"illegal"`
	Seconds    float64     `json:"seconds"`
}

func main() {
	milliseconds := func(name string, otherwise int64, what string) *int64 { return flag.Int64(name, otherwise, what) }
	clockTolerance := milliseconds("clock-tolerance-ms", 100, "how far the clocks of answers and of the log may be apart")
	holdTTL := milliseconds("hold-ttl-ms", 600_000, "how long a hold lasts")
	paymentDeadline := milliseconds("payment-deadline-ms", 120_000, "how long a payment secures its hold")
	sightAge := milliseconds("sight-age-ms", 400, "how old what an API process was told of a seat may be")
	mapAge := milliseconds("map-age-ms", 30_000, "how old a process' seat map may be when faults come one after the other")
	late := milliseconds("late-ms", 30_000, "how late a request without an answer may be carried out")
	folder := flag.String("visualize", "", "a folder for drawings of what is illegal")
	reportFile := flag.String("report", "", "where the report goes; standard output if not named")
	flag.Parse()
	if flag.NArg() != 1 {
		fail(fmt.Errorf("name the file with the operations"))
	}
	ns := func(ms *int64) int64 { return *ms * int64(time.Millisecond) }
	found, err := checkFile(flag.Arg(0), *folder, terms{
		clockTolerance: ns(clockTolerance), holdTTL: ns(holdTTL), paymentDeadline: ns(paymentDeadline),
		sightAge: ns(sightAge), mapAge: ns(mapAge), late: ns(late),
	})
	if err != nil {
		fail(err)
	}
	if err := write(found, *reportFile); err != nil {
		fail(err)
	}
}

func write(found report, file string) error {
	text, err := json.MarshalIndent(found, "", " ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if file != "" {
		return os.WriteFile(file, text, 0o644)
	}
	_, err = os.Stdout.Write(text)
	return err
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(2)
}

func checkFile(file, folder string, terms terms) (report, error) {
	started := time.Now()
	source, err := os.Open(file)
	if err != nil {
		return report{}, err
	}
	defer source.Close()
	operations, err := readOperations(source)
	if err != nil {
		return report{}, err
	}
	found := check(operations, terms, folder)
	found.Seconds = time.Since(started).Seconds()
	return found, nil
}

func check(operations []*operation, terms terms, folder string) report {
	s := tell(operations, terms)
	broken := s.brokenRules()
	order := s.check(folder)
	all := append(order.illegal, broken...)
	undecided := order.undecided
	if undecided == nil {
		undecided = []string{}
	}
	return report{
		Ok:         len(all) == 0 && len(undecided) == 0,
		Operations: len(operations),
		Bookings:   s.bookingsSeen(),
		Seats:      len(s.seats),
		Partitions: order.partitions,
		SeatBySeat: order.seatBySeat,
		Undecided:  undecided,
		Violations: len(all),
		Illegal:    append([]violation{}, all[:min(len(all), violationsToldMax)]...),
	}
}
