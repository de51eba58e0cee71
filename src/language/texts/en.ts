/** What people are told, in English. Every other language has the same keys. */
export const en = {
  ticket: {
    title: 'Ticket',
    bookingNumber: 'Booking number',
    seats_one: '{{count, number}} seat',
    seats_other: '{{count, number}} seats',
    accessible: 'wheelchair space',
    atTheDoor: 'Show this code at the door. It admits everyone on this booking together.',
    startsAt: '{{startsAt, moment}}',
  },
};
