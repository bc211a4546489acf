"""The latent diffusion model: noise schedule, UNet, training in segments, sampling."""
