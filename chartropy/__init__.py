"""Chartropy: how much of a music chart did machines make, and is it all starting to sound the same?"""
