export const answer = 'an answer';
