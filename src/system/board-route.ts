/** Where the board is opened, apart from its operation: `godel` alone reads no other before it shows something. */
export const boardRoute = { method: 'POST', path: '/board/open' } as const;
