/** Theatres of the demo catalogue, of our own making, by the name of their city: screens and the hall of each. */
export interface DemoVenue {
  readonly city: string;
  readonly name: string;
  /** Name of the screen → key of its hall. */
  readonly screens: Readonly<Record<string, string>>;
}

export const demoVenues: readonly DemoVenue[] = [
  {
    city: 'Mumbai',
    name: 'Lantern Multiplex',
    screens: { 'Screen 1': 'multiplex', 'Screen 2': 'studio', Lounge: 'sofas' },
  },
  { city: 'Mumbai', name: 'Crescent Arena', screens: { Arena: 'arena' } },
  { city: 'Delhi', name: 'Peacock Court', screens: { 'Grand screen': 'giant-screen', 'Screen 2': 'multiplex' } },
  { city: 'Delhi', name: 'Amaltas Festival Hall', screens: { 'Main hall': 'festival-hall' } },
  { city: 'Bengaluru', name: 'Jacaranda Cinemas', screens: { 'Screen 1': 'multiplex', Lounge: 'sofas' } },
  { city: 'Kolkata', name: 'Tramline Playhouse', screens: { 'Main house': 'curved-theatre' } },
  { city: 'Chennai', name: 'Casuarina Concert Hall', screens: { 'Great hall': 'concert-hall' } },
  { city: 'Ahmedabad', name: 'Kite House', screens: { 'Screen 1': 'multiplex', 'Screen 2': 'studio' } },
  { city: 'London', name: 'Foundry Opera House', screens: { 'Main house': 'opera' } },
  { city: 'London', name: 'Saltmarsh Picture House', screens: { 'Screen 1': 'town-hall' } },
  {
    city: 'New York City',
    name: 'Harbor Light Cinemas',
    screens: { 'Grand screen': 'giant-screen', Studio: 'studio' },
  },
  { city: 'Berlin', name: 'Kanalkino', screens: { Saal: 'town-hall', Lounge: 'sofas' } },
  { city: 'Paris', name: 'Le Petit Phare', screens: { 'Grande salle': 'curved-theatre', Studio: 'studio' } },
  { city: 'Tokyo', name: 'Camphor Tree Concert Hall', screens: { 'Great hall': 'concert-hall' } },
  { city: 'Tokyo', name: 'Paper Crane Cinemas', screens: { 'Screen 1': 'multiplex' } },
  { city: 'Sydney', name: 'Bluegum Festival Hall', screens: { 'Main hall': 'festival-hall' } },
];
