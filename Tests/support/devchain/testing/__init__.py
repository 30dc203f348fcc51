"""What the tests of the development chain stand on: a client, and judges that share no code with it."""
