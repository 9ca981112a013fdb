"""Small parts that every level uses and that have no topic of their own in hubkit."""
